/** Signals at every moment of connect, listen and relay: the exit code tells, the peers learn of it, and no socket file is left. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, formatAddress, listen, type Stream } from "socketry";
import { inFolder } from "../support/folder.ts";
import { until } from "../support/patience.ts";
import { startOurs, type Talking } from "./talk.ts";

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const FILLERS = 3;
const STANDARD_STREAMS = 3;

type Signal = keyof typeof SIGNALS;

/** An address that takes no more connections, and does not refuse them either: its queue is full. */
async function withSilent(body: (to: string) => Promise<void>): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0", { backlog: 1 });
	const options = { timeoutMs: 300 };
	const fillers = await Promise.allSettled(
		Array.from({ length: FILLERS }, () => connect(listener.address, options)),
	);
	try {
		await body(formatAddress(listener.address));
	} finally {
		for (const each of fillers) if (each.status === "fulfilled") (each.value as Stream).abort();
		listener.close();
	}
}

async function startRelay(folder: string, to: string, ...args: string[]): Promise<Talking> {
	const relay = startOurs(["relay", `${folder}/s`, to, ...args]);
	await relay.said(/listening/);
	return relay;
}

/** A relay with a connection through it, both of whose ends are ours. */
async function withRelayed(
	args: readonly string[],
	body: (relay: Talking, client: Stream, server: Stream) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const far = await listen("tcp://127.0.0.1:0");
		const relay = await startRelay(folder, formatAddress(far.address), ...args);
		const client = (await connect(`unix:${folder}/s`)) as Stream;
		const server = await far.accept();
		far.close();
		await client.write("x");
		await server.readExactly(1);
		await body(relay, client, server);
		assert.deepEqual(readdirSync(folder), []);
		client.abort();
		server.abort();
	});
}

async function codeAfter(talking: Talking, signal: Signal): Promise<number> {
	talking.process.kill(signal);
	return (await talking.ended).code;
}

/** What a signal meets. Each returns the exit code. */
const MOMENTS: Readonly<Record<string, (signal: Signal) => Promise<number>>> = {
	async "connect, which waits for an answer"(signal) {
		let code = -1;
		await withSilent(async (to) => {
			const talking = startOurs(["connect", to]);
			await untilSockets(talking, STANDARD_STREAMS + 1);
			code = await codeAfter(talking, signal);
		});
		return code;
	},
	async "connect, which is connected"(signal) {
		const far = await listen("tcp://127.0.0.1:0");
		const talking = startOurs(["connect", formatAddress(far.address)]);
		const stream = await far.accept();
		far.close();
		talking.process.stdin?.write("x");
		await stream.readExactly(1);
		const code = codeAfter(talking, signal);
		assert.equal(await stream.read(), null);
		await stream.close();
		return await code;
	},
	async "listen, which waits"(signal) {
		return await inFolder(async (folder) => {
			const server = startOurs(["listen", `${folder}/s`]);
			await server.said(/listening/);
			const code = await codeAfter(server, signal);
			assert.deepEqual(readdirSync(folder), []);
			return code;
		});
	},
	async "listen, which serves"(signal) {
		return await inFolder(async (folder) => {
			const server = startOurs(["listen", `${folder}/s`, "--echo"]);
			await server.said(/listening/);
			const stream = (await connect(`unix:${folder}/s`)) as Stream;
			await stream.write("x");
			await stream.readExactly(1);
			const code = codeAfter(server, signal);
			assert.equal(await stream.read(), null);
			await stream.close();
			assert.deepEqual(readdirSync(folder), []);
			return await code;
		});
	},
	async "listen, which runs a program"(signal) {
		return await inFolder(async (folder) => {
			const program = ["--exec", "--", "sh", "-c", "echo begun; exec cat"];
			const server = startOurs(["listen", `${folder}/s`, ...program]);
			await server.said(/listening/);
			const stream = (await connect(`unix:${folder}/s`)) as Stream;
			await stream.readUntil("\n");
			const code = codeAfter(server, signal);
			assert.equal(await stream.read(), null);
			await stream.close();
			assert.deepEqual(readdirSync(folder), []);
			return await code;
		});
	},
	async "relay, which waits"(signal) {
		return await inFolder(async (folder) => {
			const code = await codeAfter(await startRelay(folder, "tcp://127.0.0.1:1"), signal);
			assert.deepEqual(readdirSync(folder), []);
			return code;
		});
	},
	async "relay, which connects"(signal) {
		return await inFolder(async (folder) => {
			let code = -1;
			await withSilent(async (to) => {
				const relay = await startRelay(folder, to, "--drain", "50ms");
				const count = socketsOf(relay);
				const client = (await connect(`unix:${folder}/s`)) as Stream;
				await untilSockets(relay, count + 2);
				code = await codeAfter(relay, signal);
				client.abort();
			});
			assert.deepEqual(readdirSync(folder), []);
			return code;
		});
	},
	async "relay, whose connection ends in time"(signal) {
		let code = -1;
		await withRelayed([], async (relay, client, server) => {
			relay.process.kill(signal);
			await relay.said(/waiting up to/);
			await server.write("late");
			await Promise.all([server.close(), client.closeWrite()]);
			assert.equal(String(await client.readExactly(4)), "late");
			assert.equal(await client.read(), null);
			code = (await relay.ended).code;
		});
		return code;
	},
	async "relay, twice"(signal) {
		let code = -1;
		await withRelayed([], async (relay) => {
			relay.process.kill(signal);
			await relay.said(/waiting up to/);
			code = await codeAfter(relay, signal);
		});
		return code;
	},
};

/** Counts the sockets of a process, among them its three standard streams. */
function socketsOf({ process }: Talking): number {
	const folder = `/proc/${process.pid}/fd`;
	const isSocket = (name: string): boolean => {
		try {
			return readlinkSync(`${folder}/${name}`).startsWith("socket:");
		} catch {
			// Closed meanwhile.
			return false;
		}
	};
	return readdirSync(folder).filter(isSocket).length;
}

/** Waits until a process has so many: what has begun to connect has its socket. */
async function untilSockets(talking: Talking, count: number): Promise<void> {
	await until(() => socketsOf(talking) >= count);
	assert.equal(socketsOf(talking), count);
}

for (const [moment, meet] of Object.entries(MOMENTS)) {
	test(`${moment}, ends by each signal with its code`, async () => {
		const signals = Object.keys(SIGNALS) as Signal[];
		const codes = await Promise.all(signals.map(meet));
		assert.deepEqual(codes, Object.values(SIGNALS));
	});
}

test("data that is cut by a signal makes it 4, whatever the signal", async () => {
	await withRelayed(["--drain", "50ms"], async (relay, client, server) => {
		relay.process.kill("SIGHUP");
		await assert.rejects(server.read(), { code: "ECONNRESET" });
		assert.equal((await relay.ended).code, 4);
		client.abort();
	});
	await withStalled(async (talking, stream) => {
		talking.process.kill("SIGTERM");
		stream.abort();
		const { code, stderr } = await talking.ended;
		assert.equal(code, 4, stderr);
	});
});

test("what connect had taken when a signal came arrives, also at a peer that reads late", async () => {
	await withStalled(async (talking, stream) => {
		talking.process.kill("SIGTERM");
		await pause(100);
		// To a clean end: a reset would reject.
		for await (const _ of stream);
		await stream.close();
		assert.equal((await talking.ended).code, 143);
	});
});

/** A connect with more to send than its peer takes. */
async function withStalled(
	body: (talking: Talking, stream: Stream) => Promise<void>,
): Promise<void> {
	const far = await listen("tcp://127.0.0.1:0");
	const talking = startOurs(["connect", formatAddress(far.address)], Buffer.alloc(64 << 20));
	const stream = await far.accept();
	far.close();
	await stream.readExactly(1);
	const { pid } = talking.process;
	for (let [still, before] = [0, ""]; still < 5; still++) {
		await pause(50);
		const [, read = ""] = /^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8")) ?? [];
		if (read !== before) still = 0;
		before = read;
	}
	await body(talking, stream);
	stream.abort();
}

test("a server that does not answer is given up after --connect-timeout, and its client is told", async () => {
	await withSilent(async (to) => {
		await inFolder(async (folder) => {
			const relay = await startRelay(folder, to, "--connect-timeout", "300ms", "--once");
			const client = (await connect(`unix:${folder}/s`)) as Stream;
			assert.equal(await client.read().catch(() => null), null);
			const { code, stderr } = await relay.ended;
			assert.equal(code, 1);
			assert.match(stderr, /took longer than 300 ms/);
			client.abort();
		});
	});
});
