/** Whatever is given to whatever public call: it answers, waits, or throws an error with a code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as main from "socketry";
import * as calls from "socketry/socket";

type AnyFunction = (...args: unknown[]) => unknown;

const detached = new Uint8Array(8);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

/** Views of a buffer that has shrunk: one lies beyond its end, one follows its length. */
function shrunken(): ArrayBufferView[] {
	const Resizable = ArrayBuffer as unknown as new (
		size: number,
		options: { maxByteLength: number },
	) => ArrayBuffer & { resize(size: number): void };
	const buffer = new Resizable(64, { maxByteLength: 128 });
	const views = [new Uint8Array(buffer, 32, 16), new Uint8Array(buffer), new DataView(buffer, 40)];
	buffer.resize(8);
	return views;
}

const ANYTHING: readonly unknown[] = [
	undefined,
	null,
	true,
	-1,
	5,
	1.5,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	2 ** 53,
	5n,
	"",
	"x",
	"\ud800",
	"y".repeat(100_000),
	Symbol("any"),
	{},
	Object.create(null),
	[],
	[1, 2],
	() => 1,
	new Date(0),
	new Map(),
	new Error("any"),
	new Uint8Array(0),
	new Uint8Array(3),
	new Uint16Array(3),
	new BigInt64Array(1),
	new DataView(new ArrayBuffer(4)),
	new ArrayBuffer(4),
	new SharedArrayBuffer(4),
	new Uint8Array(new SharedArrayBuffer(4)),
	detached,
	...shrunken(),
	AbortSignal.abort(),
	{ timeoutMs: -1 },
	{ timeoutMs: "1" },
	{ timeoutMs: 0 },
	{ signal: {} },
];

/** Long enough for whatever does not wait. */
const PATIENCE_MS = 2;

/** What would change the rest of the test: limits of the thread, descriptors that become ours to close. */
const SPARED = new Set(["constructor", "detachFd", "handOff", "release", "setLimits"]);

function isTyped(error: unknown): boolean {
	if (error instanceof AggregateError) return error.errors.every(isTyped);
	const { code } = error as { code?: unknown };
	return error instanceof Error && typeof code === "string" && /^(ERR_|E|ABORT_ERR)/.test(code);
}

function tidy(made: unknown): void {
	if (Array.isArray(made)) for (const each of made) tidy(each);
	else if (typeof made === "object" && made !== null) {
		const object = made as { abort?: unknown; close?: unknown };
		if (typeof object.abort === "function") object.abort();
		else if (typeof object.close === "function") object.close();
	}
}

const untyped: string[] = [];
let count = 0;

async function attempt(name: string, perform: () => unknown): Promise<void> {
	count++;
	try {
		const made = perform();
		const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
		if (made instanceof Promise) {
			void made.then(tidy, () => {});
			tidy(await Promise.race([made, late]));
		} else tidy(made);
	} catch (error) {
		if (!isTyped(error)) untyped.push(`${name}: ${error}`);
	}
}

function isFunction(value: unknown): value is AnyFunction {
	return typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value));
}

/** A right first argument of those that have a second. */
const FIRST: Readonly<Record<string, unknown>> = {
	connect: "tcp://127.0.0.1:1",
	datagrams: "udp://127.0.0.1:0",
	decodeSocketAddress: new Uint8Array(16),
	listen: "tcp://127.0.0.1:0",
	sameAddress: "tcp://127.0.0.1:1",
	socket: "inet",
};

test("functions", async () => {
	const all: Readonly<Record<string, unknown>> = { ...main, ...calls };
	for (const [name, call] of Object.entries(all)) {
		if (!isFunction(call) || SPARED.has(name)) continue;
		for (const value of ANYTHING) {
			await attempt(name, () => call(value));
			if (FIRST[name] !== undefined) await attempt(name, () => call(FIRST[name], value));
		}
	}
});

const OPTIONS = [
	"attemptDelayMs",
	"backlog",
	"broadcast",
	"busyPollUs",
	"connect",
	"details",
	"ipv6Only",
	"keepAlive",
	"localAddress",
	"maxMessageBytes",
	"mode",
	"mtuDiscovery",
	"noDelay",
	"offload",
	"onFull",
	"onNetworkError",
	"onOverload",
	"onStale",
	"prepare",
	"protocol",
	"queueBytes",
	"receiveBufferBytes",
	"receiveCredentials",
	"receiveDescriptors",
	"resolver",
	"reuseAddress",
	"reusePort",
	"sendBufferBytes",
	"signal",
	"timeoutMs",
];

test("options", async () => {
	const { connect, datagrams, listen } = main as unknown as Record<string, AnyFunction>;
	for (const option of OPTIONS) {
		for (const value of ANYTHING) {
			const options = { [option]: value };
			await attempt(`connect ${option}`, () => connect?.("tcp://127.0.0.1:1", options));
			await attempt(`listen ${option}`, () => listen?.("tcp://127.0.0.1:0", options));
			await attempt(`listen ${option}`, () => listen?.({ transport: "unix-seqpacket" }, options));
			await attempt(`datagrams ${option}`, () => datagrams?.("udp://127.0.0.1:0", options));
			await attempt(`pair ${option}`, () => main.socketpair("stream", options));
		}
	}
});

const OBJECTS: Readonly<Record<string, () => unknown>> = {
	stream: () => main.socketpair("stream"),
	packets: () => main.socketpair("seqpacket"),
	datagrams: () => main.socketpair("dgram"),
	listener: async () => [await main.listen("tcp://127.0.0.1:0")],
	memory: () => [main.Memfd.create(4_096)],
	"stream socket": () => calls.socketpair("stream"),
	"datagram socket": () => calls.socketpair("dgram"),
};

function methodsOf(object: object): string[] {
	const names = new Set<string>();
	for (
		let each = object;
		each !== Object.prototype && each !== null;
		each = Object.getPrototypeOf(each)
	) {
		for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
			// What blocks the thread is given the same arguments by its brothers.
			if (typeof value === "function" && !name.endsWith("Sync")) names.add(name);
		}
	}
	return [...names].filter((name) => !SPARED.has(name));
}

for (const [kind, make] of Object.entries(OBJECTS)) {
	test(`methods of a ${kind}`, async () => {
		const [example] = (await make()) as [object];
		for (const name of methodsOf(example)) {
			for (const value of ANYTHING) {
				for (const args of [[value], [new Uint8Array(4), value], [new Uint8Array(4), "x", value]]) {
					const made = (await make()) as Record<string, AnyFunction>[];
					await attempt(`${kind}.${name}`, () => made[0]?.[name]?.(...args));
					tidy(made);
				}
			}
		}
		tidy(example);
	});
}

test("what goes along with a write", async () => {
	const [left, right] = main.socketpair();
	for (const value of ANYTHING) {
		const [descriptors, credentials] = [[value], value] as [never[], never];
		await attempt("write descriptors", () => left.write("x", { descriptors: value as never[] }));
		await attempt("write a descriptor", () => left.write("x", { descriptors }));
		await attempt("write credentials", () => left.write("x", { credentials }));
		await attempt("write a pid", () => left.write("x", { credentials: { pid: value } as never }));
		await attempt("Memfd.create", () => main.Memfd.create(value as never));
		await attempt("Memfd.create", () => main.Memfd.create(1, value as never));
		await attempt("Memfd.from", () => main.Memfd.from(value as never));
	}
	tidy([left, right]);
});

test("every error was one of ours, with a code", () => {
	assert.ok(count > 10_000, `${count} calls`);
	assert.deepEqual([...new Set(untyped)], []);
});
