/** Figures of a relay: all the time on a terminal, on SIGUSR1 elsewhere, and how messages keep clear of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, formatAddress, listen } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { lacking } from "../support/programs.ts";
import { TypedTerminal } from "../support/terminals.ts";
import { PROGRAM_LINE as OURS, startOurs } from "./talk.ts";

// What takes a line away, and begins it anew.
const ERASED = "\r\x1b[2K";

test("on a terminal the figures are always there, and messages have lines of their own", {
	skip: lacking("script"),
}, async () => {
	await using far = await listen("tcp://127.0.0.1:0");
	const terminal = new TypedTerminal(`${OURS} relay 0 ${formatAddress(far.address)} --drain 50ms`);
	const [, address = ""] = await terminal.seen(/listening on (tcp:[^,\s]+)/);
	await terminal.seen(/0 open, 0 done, 0 cut, 0 failed; 0 B to, 0 B from/);
	const near = await connect(address as `tcp:${string}`);
	const served = await far.accept();
	await near.write("hello");
	await terminal.seen(/1 open, 0 done, 0 cut, 0 failed; 5 B to, 0 B from/);
	terminal.type("\x03");
	await terminal.seen(/waiting up to 0\.05 s for 1 under way/);
	assert.equal(await terminal.ended, 4);
	// The last ones stay.
	const lines = terminal.text.split(/\r*\n/).map((line) => line.split(ERASED).at(-1) ?? "");
	assert.match(lines[1] ?? "", /^socketry relay: waiting/);
	assert.match(lines[2] ?? "", /^socketry relay: .*: cut: the time to drain is over$/);
	assert.equal(lines[3], "0 open, 0 done, 1 cut, 0 failed; 5 B to, 0 B from");
	near.abort();
	served.abort();
});

test("--quiet leaves them out on a terminal too", { skip: lacking("script") }, async () => {
	await inFolder(async (folder) => {
		await using far = await listen("tcp://127.0.0.1:0");
		const args = `${folder}/s ${formatAddress(far.address)} --quiet --once`;
		const terminal = new TypedTerminal(`${OURS} relay ${args}`);
		const near = await connect(`unix:${folder}/s`, { retry: {}, timeoutMs: PATIENCE_MS });
		const served = await far.accept();
		await Promise.all([near.close(), served.close()]);
		assert.equal(await terminal.ended, 0);
		assert.equal(terminal.text, "");
	});
});

test("where there is no terminal they are told on SIGUSR1, by --json as a line of JSON", async () => {
	await using far = await listen("tcp://127.0.0.1:0");
	const relay = startOurs(["relay", "0", formatAddress(far.address), "--json"]);
	const lines: Record<string, unknown>[] = [];
	let rest = "";
	const told = new Promise<void>((resolve) => {
		relay.process.stdout?.on("data", (chunk: Buffer) => {
			const whole = `${rest}${chunk}`.split("\n");
			rest = whole.pop() ?? "";
			for (const line of whole) {
				const row = JSON.parse(line) as Record<string, unknown>;
				lines.push(row);
				if (row["type"] === "listening") relay.process.kill("SIGUSR1");
				if (row["type"] === "figures") resolve();
			}
		});
	});
	await told;
	const { open, done, cut, failed } = lines.at(-1) ?? {};
	assert.deepEqual([open, done, cut, failed], [0, 0, 0, 0]);
	relay.process.kill("SIGTERM");
	assert.equal((await relay.ended).code, 143);
	assert.equal(lines.at(-1)?.["type"], "summary");
});
