/**
 * Writes one entry to the journal; see it by `journalctl -n 1 -o json-pretty`.
 *
 *     node examples/journal/write.ts MESSAGE="it works" PRIORITY=5 DUMP=@core.bin
 *
 * `@FILE` has the bytes of a file.
 */
import { readFileSync } from "node:fs";
import { type Entry, Journal } from "./journal.ts";

const fields: Record<string, (string | Uint8Array)[]> = {};
for (const field of process.argv.slice(2)) {
	const equals = field.indexOf("=");
	if (equals < 1) throw new Error(`write NAME=VALUE or NAME=@FILE, not ${field}`);
	const [name, value] = [field.slice(0, equals), field.slice(equals + 1)];
	fields[name] ??= [];
	fields[name].push(value.startsWith("@") ? readFileSync(value.slice(1)) : value);
}
const entry: Entry = { SYSLOG_IDENTIFIER: "socketry-example", ...fields };
const journal = await Journal.open(process.env["JOURNAL_SOCKET"]);
await journal.write(entry);
await journal.close();
