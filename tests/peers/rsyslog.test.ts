/** The example for /dev/log, received by rsyslog's imuxsock. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { listen } from "socketry";
import { type Child, runChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { example, lacking, lackingRoot, startPeer, stop } from "../support/programs.ts";

const skip = lacking("rsyslogd");

interface Logged {
	readonly program: string;
	readonly pid: string;
	readonly host: string;
	readonly place: string;
	readonly data: string;
	readonly message: string;
}

/** Where its socket is, if not in the test's folder. */
interface Place {
	readonly socket?: string;
	/** What runs it; with the environment variable FOLDER. */
	readonly under?: readonly string[];
}

/** Runs rsyslogd with a socket of its own, lets `send` talk to it, and returns so many lines of its log, which it forwards to us. */
async function logged(
	count: number,
	options: string,
	send: (socket: string, daemon: Child) => Promise<void>,
	place: Place = {},
): Promise<Logged[]> {
	const lines: Logged[] = [];
	await inFolder(async (folder) => {
		const forwarded = await listen("tcp://127.0.0.1:0");
		const { port } = forwarded.address;
		const { socket = join(folder, "log"), under = [] } = place;
		writeFileSync(join(folder, "config"), configuration(folder, socket, options, port));
		const files = ["-f", join(folder, "config"), "-i", join(folder, "pid")];
		const daemon = startPeer("rsyslogd", ["-n", ...files], { under, env: { FOLDER: folder } });
		const stream = await forwarded.accept(PATIENT);
		const next = async (): Promise<Logged> =>
			JSON.parse(String(await stream.readUntil("\n", PATIENT))) as Logged;
		// The first line is its own, and says that it runs.
		assert.equal((await next()).program, "rsyslogd");
		await send(socket, daemon);
		while (lines.length < count) lines.push(await next());
		await stop(daemon);
		await stream.close();
		forwarded.close();
	});
	return lines;
}

function configuration(folder: string, socket: string, options: string, port: number): string {
	const property = (name: string, from: string): string =>
		`property(outname="${name}" name="${from}" format="jsonf")`;
	return [
		`global(workDirectory="${folder}" processInternalMessages="on")`,
		`module(load="imuxsock" sysSock.use="off")`,
		`input(type="imuxsock" socket="${socket}" ${options})`,
		`template(name="json" type="list" option.jsonf="on") {`,
		property("program", "programname"),
		property("pid", "procid"),
		property("host", "hostname"),
		property("place", "syslogpriority-text"),
		property("data", "structured-data"),
		property("message", "msg"),
		"}",
		`action(type="omfwd" target="127.0.0.1" port="${port}" protocol="tcp" template="json")`,
		"",
	].join("\n");
}

async function run(args: readonly string[], under: readonly string[] = []): Promise<void> {
	const { code, stderr } = await runChild(example("syslog/send.ts"), { args, under });
	assert.equal(stderr, "");
	assert.equal(code, 0);
}

test("rsyslog understands the old form, every message of many", { skip }, async () => {
	const lines = await logged(3_000, 'rateLimit.interval="0"', async (socket) => {
		await run([`--socket=${socket}`, "--count=3000", "user.notice", "flood", "message"]);
	});
	assert.equal(lines.length, 3_000);
	for (const [i, { program, host, place, message }] of lines.entries()) {
		assert.deepEqual([program, place], ["flood", "notice"]);
		assert.equal(message, ` message ${i + 1}`);
		assert.equal(host, hostname());
	}
	assert.equal(new Set(lines.map(({ pid }) => pid)).size, 1);
});

test("rsyslog understands the new form, with its structured data", { skip }, async () => {
	const options = 'useSpecialParser="off" parseHostname="on"';
	const [line, ...others] = await logged(1, options, async (socket) => {
		await run([`--socket=${socket}`, "--new", "auth.crit", "door", "stands open"]);
	});
	assert.deepEqual(others, []);
	assert.deepEqual([line?.program, line?.place, line?.message], ["door", "crit", "stands open"]);
	assert.equal(line?.data, '[origin@32473 ip="\\"quoted\\"" number="1"]');
});

// A /dev of its own, with no more in it than programs need: the machine's may have a log already, and shall not get one.
const OWN_DEV = [
	'mkdir "$FOLDER/dev" && mount --rbind /dev "$FOLDER/dev" && mount -t tmpfs tmpfs /dev',
	'for each in null urandom; do touch "/dev/$each" && mount --bind "$FOLDER/dev/$each" "/dev/$each"; done',
	'exec "$@"',
].join("\n");

test("rsyslog reads /dev/log, where the example writes if it is told no other socket", {
	skip: skip || lackingRoot() || lacking("unshare", "nsenter", "mount"),
}, async () => {
	const send = async (_: string, { pid }: Child): Promise<void> => {
		await run(["user.notice", "guest", "rings"], ["nsenter", `--mount=/proc/${pid}/ns/mnt`]);
	};
	const place = { socket: "/dev/log", under: ["unshare", "-m", "sh", "-c", OWN_DEV, "sh"] };
	const [line] = await logged(1, "", send, place);
	assert.deepEqual([line?.program, line?.message], ["guest", " rings"]);
});
