/** The examples for logging, read back from the real journal. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { DEV_LOG, type Journald, lackingJournald, startJournald } from "../support/journald.ts";
import { example } from "../support/programs.ts";

async function withJournal(
	body: (journal: Journald, folder: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const journal = await startJournald(folder);
		try {
			await body(journal, folder);
		} finally {
			await journal.close();
		}
	});
}

/** The entries that match, as journalctl shows them. */
async function entries(
	journal: Journald,
	match: readonly string[],
): Promise<Record<string, unknown>[]> {
	const { stdout, stderr } = await journal.read(["-o", "json", "--all", ...match]);
	assert.equal(stderr, "");
	const lines = stdout.split("\n").filter((line) => line !== "");
	return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function run(journal: Journald, path: string, args: readonly string[]): Promise<void> {
	const { code, stderr } = await runChild(example(path), { args, under: journal.under });
	assert.equal(stderr, "");
	assert.equal(code, 0);
}

describe("systemd-journald", { skip: lackingJournald() }, () => {
	test("has entries with all their fields, several lines, bytes and several values", async () => {
		await withJournal(async (journal, folder) => {
			const bytes = Buffer.from([0, 1, 255, 10, 61, 10]);
			writeFileSync(join(folder, "bytes"), bytes);
			await run(journal, "journal/write.ts", [
				"MESSAGE=two\nlines – of them",
				"PRIORITY=3",
				"USER_ID=7",
				"USER_ID=8",
				"EMPTY=",
				`DUMP=@${join(folder, "bytes")}`,
			]);
			const [entry] = await entries(journal, ["SYSLOG_IDENTIFIER=socketry-example"]);
			assert.equal(entry?.["MESSAGE"], "two\nlines – of them");
			assert.equal(entry["PRIORITY"], "3");
			assert.deepEqual([entry["USER_ID"]].flat().toSorted(), ["7", "8"]);
			assert.equal(entry["EMPTY"], "");
			assert.deepEqual(entry["DUMP"], [...bytes]);
			// What the journal found out by itself, from the credentials of the datagram; what it reads of a process in /proc may be gone by then.
			assert.equal(entry["_TRANSPORT"], "journal");
			assert.equal(entry["_UID"], String(process.getuid?.()));
		});
	});

	test("has entries that are too large for a datagram, byte by byte", async () => {
		await withJournal(async (journal, folder) => {
			const bytes = randomBytes(3_000_000);
			writeFileSync(join(folder, "bytes"), bytes);
			await run(journal, "journal/write.ts", ["MESSAGE=large", `DUMP=@${join(folder, "bytes")}`]);
			const back = join(folder, "back");
			const match = ["-o", "cat", "--output-fields=DUMP", "MESSAGE=large"];
			const { stderr, code } = await journal.read(match, back);
			assert.deepEqual([stderr, code], ["", 0]);
			// journalctl ends each value with a line feed.
			assert.ok(readFileSync(back).equals(Buffer.concat([bytes, Buffer.from("\n")])));
		});
	});

	test("understands what comes by /dev/log, in the old form", async () => {
		await withJournal(async (journal) => {
			const place = [`--socket=${DEV_LOG}`];
			await run(journal, "syslog/send.ts", [...place, "daemon.warning", "backup", "nearly full"]);
			const [entry] = await entries(journal, ["SYSLOG_IDENTIFIER=backup"]);
			assert.equal(entry?.["MESSAGE"], "nearly full");
			assert.equal(entry["PRIORITY"], "4");
			assert.equal(entry["SYSLOG_FACILITY"], "3");
			assert.equal(entry["SYSLOG_PID"], entry["_PID"]);
			assert.equal(entry["_TRANSPORT"], "syslog");
			assert.match(String(entry["SYSLOG_TIMESTAMP"]), /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d $/);
		});
	});

	test("gets all of many messages, although its queue holds few", async () => {
		await withJournal(async (journal) => {
			const place = [`--socket=${DEV_LOG}`, "--count=3000"];
			await run(journal, "syslog/send.ts", [...place, "user.info", "flood", "message"]);
			const found = await entries(journal, ["SYSLOG_IDENTIFIER=flood"]);
			assert.deepEqual(
				found.map((entry) => entry["MESSAGE"]),
				Array.from({ length: 3_000 }, (_, i) => `message ${i + 1}`),
			);
		});
	});
});
