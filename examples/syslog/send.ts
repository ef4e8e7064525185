/**
 * Sends a message to the system's log, as logger(1) does.
 *
 *     node examples/syslog/send.ts [--new] daemon.warning backup "the disk is nearly full"
 */
import { parseArgs } from "node:util";
import { FACILITIES, formatNew, formatOld, Syslog } from "./syslog.ts";

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { new: { type: "boolean" }, socket: { type: "string" }, count: { type: "string" } },
});
const [place = "", tag = "", ...words] = positionals;
const [name = "", severity = ""] = place.split(".");
const facility = FACILITIES.find((each) => each === name);
if (facility === undefined) throw new Error(`write FACILITY.SEVERITY TAG TEXT; ${name} is none`);

const log = await Syslog.open(values.socket);
const count = Number(values.count ?? 1);
for (let i = 1; i <= count; i++) {
	const text = count === 1 ? words.join(" ") : `${words.join(" ")} ${i}`;
	const message = { facility, severity, tag, text };
	const data = { "origin@32473": { ip: '"quoted"', number: String(i) } };
	await log.send(values.new ? formatNew({ ...message, data }) : formatOld(message));
}
await log.close();
