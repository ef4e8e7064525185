/** More connections than there are descriptors for, and many short ones: SOCKETRY_CONNECTIONS says how many. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import {
	connect,
	formatAddress,
	type Listener,
	listen,
	type PacketStream,
	type Stream,
} from "socketry";
import { inFolder } from "../support/folder.ts";
import { until } from "../support/patience.ts";
import { lacking } from "../support/programs.ts";
import { PROGRAM, start, type Talking } from "./talk.ts";

const CONNECTIONS = Number(process.env["SOCKETRY_CONNECTIONS"] ?? 3_000);
const AT_ONCE = 200;
const SIDE_BY_SIDE = 50;
const DESCRIPTORS = 64;
const TEXT = "more than a pipe of a page holds, ".repeat(1_000);
const skip = lacking("prlimit");

type Connection = Stream | PacketStream;

/** An echo, while `body` runs. Resolves to how many have ended well. */
async function echoing(address: string, body: (to: string) => Promise<void>): Promise<number> {
	const listener = (await listen(address)) as Listener<Connection>;
	const serving = (async () => {
		const served: Promise<boolean>[] = [];
		for await (const connection of listener) served.push(echo(connection));
		return await Promise.all(served);
	})();
	try {
		await body(formatAddress(listener.address));
	} finally {
		listener.close();
		await serving;
	}
	return (await serving).filter((isWhole) => isWhole).length;
}

/** Returns whether it came to its end. */
async function echo(connection: Connection): Promise<boolean> {
	try {
		if ("write" in connection) for await (const chunk of connection) await connection.write(chunk);
		else for await (const message of connection) await connection.send(message);
		await connection.close();
		return true;
	} catch {
		connection.abort();
		return false;
	}
}

/** Sends, ends, and reads to the end. */
async function ask(to: string, text: string): Promise<string> {
	const connection = (await connect(to)) as Connection;
	const sending = "write" in connection ? connection.write(text) : connection.send(text);
	await sending;
	await connection.closeWrite();
	let reply = "";
	for await (const chunk of connection) reply += Buffer.from(chunk).toString();
	await connection.close();
	return reply;
}

async function startPoor(
	args: readonly string[],
	count = DESCRIPTORS,
): Promise<Talking & { readonly at: string }> {
	const command = ["prlimit", `--nofile=${count}`, ...PROGRAM, ...args];
	const talking = start(command, "none");
	const [, at = ""] = await talking.said(/^listening on (\S+?),?(?: for .*)?$/m);
	return { ...talking, at };
}

async function end(talking: Talking): Promise<string> {
	talking.process.kill("SIGTERM");
	const { code, stderr } = await talking.ended;
	assert.equal(code, 143, stderr);
	return stderr;
}

const RELAYS: readonly (readonly string[])[] = [
	["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"],
	["unix:FOLDER/from", "unix:FOLDER/to"],
	["unix:FOLDER/from", "unix:FOLDER/to", "--no-descriptors"],
	["unix-seqpacket:FOLDER/from", "unix-seqpacket:FOLDER/to"],
];

for (const [from = "", to = "", ...args] of RELAYS) {
	const name = [from.replace(/:.*/, ""), "to", to.replace(/:.*/, ""), ...args].join(" ");
	test(`with ${DESCRIPTORS} descriptors a relay ${name} serves ${AT_ONCE} that come at once, one after another`, {
		skip,
	}, async () => {
		await inFolder(async (folder) => {
			const served = await echoing(to.replace("FOLDER", folder), async (address) => {
				const relay = await startPoor(["relay", from.replace("FOLDER", folder), address, ...args]);
				const asked = Array.from({ length: AT_ONCE }, () => ask(relay.at, TEXT));
				for (const reply of await Promise.all(asked))
					assert.ok(reply === TEXT, reply.slice(0, 100));
				assert.match(await end(relay), /serving up to \d+ at once: .*descriptors/);
			});
			assert.equal(served, AT_ONCE);
		});
	});
}

test("with 1,024 descriptors a relay serves more than 400 connections at once", {
	skip,
}, async () => {
	const places = ["tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--max", "1000"];
	const said = await end(await startPoor(["relay", ...places], 1_024));
	const [, room] = /serving up to (\d+) at once/.exec(said) ?? [];
	assert.ok(Number(room) > 400, said);
});

for (const args of [["--echo"], ["--exec", "--", "cat"]]) {
	test(`with ${DESCRIPTORS} descriptors listen ${args.join(" ")} serves ${AT_ONCE} that come at once`, {
		skip,
	}, async () => {
		const server = await startPoor(["listen", "0", ...args]);
		const count = args.length === 1 ? AT_ONCE : AT_ONCE / 4;
		const asked = Array.from({ length: count }, () => ask(server.at, TEXT));
		for (const reply of await Promise.all(asked)) assert.ok(reply === TEXT, reply.slice(0, 100));
		await end(server);
	});
}

test(`${CONNECTIONS} short connections leave a relay as it was`, async (t: TestContext) => {
	await echoing("tcp://127.0.0.1:0", async (to) => {
		// A heap in which little can be forgotten: 10,000 times 1.5 KiB do not fit.
		const [node = "", ...script] = PROGRAM;
		const flags = ["--max-old-space-size=16", "--max-semi-space-size=1"];
		const relay = start([node, ...flags, ...script, "relay", "0", to], "none");
		const [, near = ""] = await relay.said(/^listening on (\S+),/m);
		const pid = relay.process.pid as number;
		await askMany(near, SIDE_BY_SIDE * 4);
		const descriptors = await settledDescriptors(pid);
		const before = residentKib(pid);
		await askMany(near, CONNECTIONS);
		const growth = residentKib(pid) - before;
		t.diagnostic(`${descriptors} descriptors, ${growth} KiB more`);
		await until(() => descriptorsOf(pid) <= descriptors);
		assert.ok(growth < 32 * 1024, `${growth} KiB`);
		await end(relay);
	});
});

async function askMany(to: string, count: number): Promise<void> {
	let left = count;
	const askAll = async (): Promise<void> => {
		while (left-- > 0) assert.equal(await ask(to, "short"), "short");
	};
	await Promise.all(Array.from({ length: SIDE_BY_SIDE }, askAll));
}

// The relay closes its ends a moment after the client has closed its own.
async function settledDescriptors(pid: number): Promise<number> {
	let count = -1;
	for (let i = 0; i < 100; i++) {
		const now = descriptorsOf(pid);
		if (now === count) return count;
		count = now;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return count;
}

function descriptorsOf(pid: number): number {
	return readdirSync(`/proc/${pid}/fd`).length;
}

function residentKib(pid: number): number {
	return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
