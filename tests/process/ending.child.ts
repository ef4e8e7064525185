/**
 * Ends in the middle of things. Arguments: how, and for those who send something the address of who receives it.
 */
import assert from "node:assert/strict";
import {
	connect,
	datagrams,
	type Listener,
	listen,
	type PacketStream,
	type Stream,
	socketpair,
} from "socketry";
import { injectFaults } from "socketry/testing";

const [how = "", to = ""] = process.argv.slice(2);
const big = new Uint8Array(4 * 1024 * 1024);
const kept: unknown[] = [];

function ignore(): void {}

function pending(): [Stream, Stream] {
	const [left, right] = socketpair();
	left.read().catch(ignore);
	left.write(big).catch(ignore);
	kept.push(left, right);
	return [left, right];
}

async function tcp(): Promise<[Stream, Stream, Listener<Stream>]> {
	const listener = await listen("tcp://127.0.0.1:0");
	const [client, server] = await Promise.all([connect(listener.address), listener.accept()]);
	kept.push(client, server, listener);
	listener.accept().catch(ignore);
	return [client as Stream, server, listener];
}

const EXITS: Readonly<Record<string, () => unknown>> = {
	"after a read": async () => {
		const [client, server] = await tcp();
		server.read().then(() => process.exit(7), ignore);
		await client.write("x");
	},
	"in a loop over a stream": async () => {
		const [client, server] = await tcp();
		void client.write("x");
		for await (const chunk of server) process.exit(6 + chunk.length);
	},
	"after an accept": async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		listener.accept().then(() => process.exit(7), ignore);
		kept.push(await connect(listener.address));
	},
	"after a connect": async () => {
		const listener = await listen("tcp://127.0.0.1:0", { busyPollUs: 1_000 });
		void connect(listener.address).then(() => process.exit(7));
		await listener.accept();
	},
	"after a write that waited": async () => {
		const [left, right] = socketpair();
		left.write(big).then(() => process.exit(7), ignore);
		await right.readExactly(big.length);
	},
	"when a close has ended": async () => {
		const [left, right] = socketpair();
		void left.close().finally(() => process.exit(7));
		await right.read();
	},
	"in onOverload": async () => {
		const listener = await listen("tcp://127.0.0.1:0", { onOverload: () => process.exit(7) });
		injectFaults([{ call: "accept4", fail: "EMFILE", nth: 2 }]);
		listener.accept().catch(ignore);
		kept.push(await connect(listener.address));
	},
	"in prepare": async () => {
		const [, , listener] = await tcp();
		await connect(listener.address, { prepare: () => process.exit(7) });
	},
	"in a signal's listener": async () => {
		const stop = new AbortController();
		const [left] = socketpair();
		stop.signal.addEventListener("abort", () => process.exit(7));
		left.read({ signal: stop.signal }).catch(ignore);
		setImmediate(() => stop.abort());
	},
	"when a time limit ends a read": async () => {
		const [left] = socketpair();
		left.read({ timeoutMs: 5 }).catch(() => process.exit(7));
	},
	"in a handler of uncaught exceptions": async () => {
		process.on("uncaughtException", () => process.exit(7));
		const [client, server] = await tcp();
		server.read().then(() => {
			queueMicrotask(() => {
				throw new Error("expected");
			});
		}, ignore);
		await client.write("x");
	},
	"by an exit code": async () => {
		const [client, server] = await tcp();
		await client.write("x");
		await server.read();
		process.exitCode = 7;
		for (const each of kept) (each as Stream).unref();
	},
};

const THROWS: Readonly<Record<string, () => unknown>> = {
	"after a read": async () => {
		const [client, server] = await tcp();
		void server.read().then(() => {
			throw new Error("expected");
		});
		await client.write("x");
	},
	"from a microtask of an accept": async () => {
		const listener = await listen({ transport: "unix" });
		void listener.accept().then(() => {
			queueMicrotask(() => {
				throw new Error("expected");
			});
		});
		kept.push(await connect(listener.address));
	},
	"in a timer": () => {
		setTimeout(() => {
			throw new Error("expected");
		}, 1);
	},
};

/** An exception is survived by whoever has a handler for it: everybody else's events still come. */
async function survive(): Promise<void> {
	let caught = 0;
	process.on("uncaughtException", () => {
		caught++;
	});
	const pairs = Array.from({ length: 50 }, () => socketpair());
	const reads = pairs.map(([left], index) =>
		left.read().then((chunk) => {
			if (index % 10 === 0) {
				queueMicrotask(() => {
					throw new Error("expected");
				});
			}
			return String(chunk);
		}),
	);
	for (const [, right] of pairs) await right.write("x");
	assert.deepEqual(
		await Promise.all(reads),
		pairs.map(() => "x"),
	);
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(caught, 5);
	console.log("survived");
}

const SENDS: Readonly<Record<string, () => unknown>> = {
	"large write that nobody awaits": async () => {
		const stream = (await connect(to)) as Stream;
		void stream.write(big);
	},
	"small writes that nobody awaits": async () => {
		const stream = (await connect(to)) as Stream;
		for (let i = 0; i < 1_000; i++) void stream.write(big.subarray(0, 1_000));
		void stream.write(big.subarray(0, big.length - 1_000_000));
	},
	"close that nobody awaits": async () => {
		const stream = (await connect(to)) as Stream;
		void stream.write(big);
		void stream.close();
	},
	"closeWrite that nobody awaits": async () => {
		const stream = (await connect(to)) as Stream;
		void stream.write(big);
		void stream.closeWrite();
	},
	"exit after a flush": async () => {
		const stream = (await connect(to)) as Stream;
		void stream.write(big);
		await stream.flush();
		process.exit();
	},
	"packets that nobody awaits": async () => {
		const packets = (await connect(to)) as PacketStream;
		for (let i = 0; i < big.length; i += 1_024) void packets.send(big.subarray(i, i + 1_024));
	},
	"datagrams that nobody awaits": async () => {
		const socket = await datagrams(undefined, { connect: to, queueBytes: big.length });
		for (let i = 0; i < big.length; i += 1_024) void socket.send(big.subarray(i, i + 1_024));
	},
};

async function beforeExit(): Promise<void> {
	const [left, right] = socketpair();
	process.once("beforeExit", () => {
		void left.read().then((chunk) => console.log(`revived ${chunk}`));
		setTimeout(() => void right.write("once"), 5);
	});
}

const [kind = "", ...rest] = how.split(": ");
const name = rest.join(": ");
if (kind === "list") {
	console.log(JSON.stringify([EXITS, THROWS, SENDS].map((each) => Object.keys(each))));
} else if (kind === "exit" || kind === "throw") {
	pending();
	await (kind === "exit" ? EXITS : THROWS)[name]?.();
} else if (kind === "send") await SENDS[name]?.();
else if (kind === "survive") await survive();
else if (kind === "beforeExit") await beforeExit();
else if (kind === "wait") {
	pending();
	await tcp();
	console.log("waiting");
}
