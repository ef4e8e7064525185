import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
	connect,
	type Datagrams,
	datagrams,
	formatAddress,
	listen,
	type PacketStream,
	parseAddress,
	type Stream,
	sameAddress,
	socketpair,
} from "socketry";
import { socketpair as rawPair, Socket, socket } from "socketry/socket";
import { assertRefuses } from "../support/refusals.ts";

type Kind =
	| "address"
	| "array"
	| "boolean"
	| "bytes"
	| "choice"
	| "count"
	| "data"
	| "function"
	| "integer"
	| "object"
	| "options"
	| "signal"
	| "sockaddr";

const noText = [null, true, 7, 7n, Symbol("no"), (): void => {}];
const noObject = ["text", ...noText];
const noNumber = [null, true, "7", 7n, Symbol("no"), (): void => {}, {}, [7]];
const noBytes = [undefined, ...noText, {}, [1, 2], new ArrayBuffer(4), new Date(0)];

/** For each kind of argument: values that have another type. */
const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
	address: [...noText, {}, [], new Date(0), { transport: "smoke" }, { transport: 7 }],
	array: [undefined, {}, new Uint8Array(1), ...noObject],
	boolean: [null, 0, 1, "true", 1n, Symbol("no"), (): void => {}, {}, []],
	bytes: ["text", ...noBytes],
	choice: [...noText, {}, []],
	count: noNumber,
	data: noBytes,
	function: [null, true, 7, "text", 7n, Symbol("no"), {}, []],
	integer: noNumber,
	object: [null, "text", 7, 7n, Symbol("no"), (): void => {}],
	options: noObject,
	signal: [...noObject, {}, [], new EventTarget()],
	sockaddr: [undefined, ...noObject, {}, [], { family: "smoke" }, { family: 2 }],
};

type Call = readonly [name: string, kind: Kind, call: (value: never) => unknown];

async function refuseAll(calls: readonly Call[]): Promise<void> {
	for (const [name, kind, call] of calls) {
		for (const [i, value] of WRONG[kind].entries()) {
			await assertRefuses(
				() => call(value as never),
				{ code: "ERR_INVALID_ARG_TYPE", message: /^"[\w.[\]]+" must be .+, but is ./ },
				`${name} with ${kind} #${i} (${typeof value})`,
			);
		}
	}
}

test("what opens sockets refuses wrong types", async () => {
	await refuseAll([
		["connect", "address", (value) => connect(value)],
		["listen", "address", (value) => listen(value)],
		["datagrams", "address", (value) => datagrams(value)],
		["parseAddress", "address", (value) => parseAddress(value)],
		["formatAddress", "address", (value) => formatAddress(value)],
		["sameAddress, left", "address", (value) => sameAddress(value, "tcp://127.0.0.1:1")],
		["sameAddress, right", "address", (value) => sameAddress("tcp://127.0.0.1:1", value)],
		["socketpair", "choice", (value) => socketpair(value)],
		["Socket.fromFd", "integer", (value) => Socket.fromFd(value)],
		["socket, family", "choice", (value) => socket(value, "stream")],
		["socket, type", "choice", (value) => socket("inet", value)],
		["socket, protocol", "integer", (value) => socket("inet", "stream", value)],
		["socketpair of Socket", "choice", (value) => rawPair(value)],
	]);
});

test("a required argument that is missing is refused", async () => {
	const missing = undefined as never;
	const code = "ERR_INVALID_ARG_TYPE";
	await assertRefuses(() => connect(missing), { code });
	await assertRefuses(() => listen(missing), { code });
	await assertRefuses(() => parseAddress(missing), { code });
	await assertRefuses(() => formatAddress(missing), { code });
	await assertRefuses(() => Socket.fromFd(missing), { code });
	await assertRefuses(() => sameAddress(missing, missing), { code });
	await assertRefuses(() => socket(missing, "stream"), { code });
	await assertRefuses(() => socket("unix", missing), { code });
});

const OPTION_KINDS: Readonly<Record<string, Kind>> = {
	attemptDelayMs: "count",
	busyPollUs: "count",
	keepAlive: "object",
	localAddress: "address",
	noDelay: "boolean",
	prepare: "function",
	protocol: "count",
	resolver: "function",
	signal: "signal",
	timeoutMs: "count",
};

const LISTEN_KINDS: Readonly<Record<string, Kind>> = {
	backlog: "count",
	busyPollUs: "count",
	ipv6Only: "boolean",
	keepAlive: "object",
	mode: "count",
	noDelay: "boolean",
	onOverload: "function",
	onStale: "choice",
	prepare: "function",
	protocol: "count",
	resolver: "function",
	reusePort: "boolean",
	signal: "signal",
};

const DATAGRAM_KINDS: Readonly<Record<string, Kind>> = {
	broadcast: "boolean",
	busyPollUs: "count",
	connect: "address",
	details: "object",
	ipv6Only: "boolean",
	mode: "count",
	mtuDiscovery: "choice",
	onNetworkError: "function",
	onStale: "choice",
	prepare: "function",
	receiveBufferBytes: "count",
	resolver: "function",
	reuseAddress: "boolean",
	reusePort: "boolean",
	sendBufferBytes: "count",
	signal: "signal",
};

test("every option of connect, listen and datagrams refuses wrong types, for every transport", async () => {
	const nobody = ["tcp://127.0.0.1:1", "unix:/nonexistent/socket", "unix-seqpacket:@nobody"];
	const calls: Call[] = [
		["connect", "options", (value) => connect("tcp://127.0.0.1:1", value)],
		["listen", "options", (value) => listen("tcp://127.0.0.1:0", value)],
		["datagrams", "options", (value) => datagrams("udp://127.0.0.1:0", value)],
	];
	for (const [name, kind] of Object.entries(OPTION_KINDS)) {
		for (const to of nobody) {
			calls.push([`connect ${to} ${name}`, kind, (value) => connect(to, { [name]: value })]);
		}
	}
	for (const [name, kind] of Object.entries(LISTEN_KINDS)) {
		for (const on of ["tcp://127.0.0.1:0", "unix:/nonexistent/socket"]) {
			calls.push([`listen ${on} ${name}`, kind, (value) => listen(on, { [name]: value })]);
		}
	}
	for (const [name, kind] of Object.entries(DATAGRAM_KINDS)) {
		const on = "udp://127.0.0.1:0";
		calls.push([`datagrams ${on} ${name}`, kind, (value) => datagrams(on, { [name]: value })]);
	}
	await refuseAll(calls);
});

type Method = (...values: never[]) => unknown;

/** Calls of one object, none of which may throw instead of rejecting; afterwards it must work as before. */
function methodsOf(object: object, methods: Readonly<Record<string, Kind>>): Call[] {
	return Object.entries(methods).map(([text, kind]) => {
		const [name = "", ...before] = text.split(" ");
		const given = before.map((word) => GIVEN[word]);
		const option = before.at(-1)?.startsWith(".") ? before.at(-1)?.slice(1) : undefined;
		if (option !== undefined) given.pop();
		return [
			text,
			kind,
			(value) => {
				const method = (object as Readonly<Record<string, Method>>)[name] as Method;
				const last = option === undefined ? value : { [option]: value };
				return rejected(name, method.call(object, ...(given as never[]), last as never));
			},
		];
	});
}

/** A promise that is wrongly fulfilled may be pending for ever; `trySend` and its like throw. */
function rejected(name: string, result: unknown): Promise<unknown> {
	assert.ok(result instanceof Promise, `${name} has returned ${String(result)}`);
	const pending = new Promise((_, reject) => {
		setImmediate(() => setImmediate(reject, new Error(`${name} was not refused`)));
	});
	return Promise.race([result, pending]);
}

const GIVEN: Readonly<Record<string, unknown>> = {
	bytes: new Uint8Array(4),
	count: 4,
	line: "\n",
	none: undefined,
};

const WAITS = { signal: "signal", timeoutMs: "count" } as const;

/** The options argument of a method, and each option of waiting. */
function waits(call: string): Record<string, Kind> {
	const options = Object.entries(WAITS).map(([name, kind]) => [`${call} .${name}`, kind]);
	return { [call]: "options", ...Object.fromEntries(options) };
}

test("a stream refuses wrong types, and goes on as before", async () => {
	const [left, right] = socketpair();
	await refuseAll(
		methodsOf(left, {
			write: "data",
			...waits("write bytes"),
			...waits("read"),
			readInto: "bytes",
			...waits("readInto bytes"),
			readExactly: "count",
			...waits("readExactly count"),
			readUntil: "data",
			...waits("readUntil line"),
			...waits("flush"),
			...waits("closeWrite"),
			...waits("close"),
		}),
	);
	assert.equal(left.bytesWritten, 0);
	await goOn(left, right);
});

async function goOn(left: Stream, right: Stream): Promise<void> {
	await left.write("still here\n");
	assert.equal(String(await right.readUntil("\n")), "still here\n");
	await right.write("too");
	assert.equal(String(await left.readExactly(3)), "too");
	await Promise.all([left.close(), right.close()]);
}

test("readUntil refuses other delimiters and limits", async () => {
	const [left, right] = socketpair();
	await refuseAll([
		[
			"maxBytes",
			"count",
			(value) => rejected("readUntil", left.readUntil("\n", { maxBytes: value ?? ("" as never) })),
		],
	]);
	await assertRefuses(() => left.readUntil(""), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"delimiter" must have one byte or more/,
	});
	for (const maxBytes of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
		await assertRefuses(() => left.readUntil("\n", { maxBytes }), {
			code: "ERR_OUT_OF_RANGE",
			message: /"maxBytes" must be an integer from 1 to/,
		});
	}
	for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
		await assertRefuses(() => left.readExactly(count), { code: "ERR_OUT_OF_RANGE" });
	}
	for (const timeoutMs of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
		await assertRefuses(() => left.read({ timeoutMs }), {
			code: "ERR_OUT_OF_RANGE",
			message: /"timeoutMs" must be an integer from 0 to 2147483647/,
		});
	}
	await goOn(left, right);
});

test("a packet stream refuses wrong types, and goes on as before", async () => {
	const [left, right]: [PacketStream, PacketStream] = socketpair("seqpacket");
	await refuseAll(
		methodsOf(left, {
			send: "data",
			...waits("send bytes"),
			...waits("receive"),
			receiveInto: "bytes",
			...waits("receiveInto bytes"),
			...waits("closeWrite"),
		}),
	);
	assert.equal(left.messagesSent, 0);
	await left.send("still here");
	assert.equal(String(await right.receive()), "still here");
	await Promise.all([left.close(), right.close()]);
});

test("a datagram socket refuses wrong types, and goes on as before", async () => {
	const peer = await datagrams("udp://127.0.0.1:0");
	const own: Datagrams = await datagrams("udp://127.0.0.1:0", { connect: peer.address });
	await refuseAll(
		methodsOf(own, {
			send: "data",
			"send bytes": "address",
			...waits("send bytes none"),
			sendBatch: "bytes",
			"sendBatch bytes": "count",
			"sendBatch bytes count": "address",
			...waits("sendBatch bytes count none"),
			...waits("receive"),
			...waits("receiveBatch"),
			...waits("flush"),
		}),
	);
	await refuseAll([
		["trySend", "data", (value) => own.trySend(value)],
		["trySend, to", "address", (value) => own.trySend("text", value)],
	]);
	assert.equal(own.sentCount, 0);
	await own.send("still here");
	assert.equal(String((await peer.receive()).data), "still here");
	await Promise.all([own.close(), peer.close()]);
});

const TO = { family: "unix", abstract: "nobody" } as const;
const BYTES = new Uint8Array(4);

/** Calls of `Socket` by promise and their arguments with a wrong one among them; `trySend` and `sendSync` are derived from `send`. */
const TRANSFERS: readonly (readonly [string, Kind, (value: unknown) => readonly unknown[]])[] = [
	["read", "bytes", (value) => [value]],
	["write", "bytes", (value) => [value]],
	["recv", "bytes", (value) => [value]],
	["send", "bytes", (value) => [value]],
	["recvfrom", "bytes", (value) => [value]],
	["sendto", "bytes", (value) => [value, TO]],
	["sendto", "sockaddr", (value) => [BYTES, value]],
	["recvmsg", "array", (value) => [value]],
	["recvmsg", "bytes", (value) => [[value]]],
	["sendmsg", "array", (value) => [value]],
	["sendmsg", "bytes", (value) => [[value]]],
	["sendmsg", "array", (value) => [[BYTES], { control: value ?? null }]],
	["connect", "sockaddr", (value) => [value]],
];

test("a Socket refuses wrong types in all three manners, and goes on as before", async (t) => {
	const [left, right] = freshPair(t);
	const calls: Call[] = [];
	for (const [name, kind, args] of TRANSFERS) {
		const capital = `${name[0]?.toUpperCase()}${name.slice(1)}`;
		for (const manner of [name, `try${capital}`, `${name}Sync`]) {
			const method = (left as unknown as Readonly<Record<string, Method>>)[manner] as Method;
			calls.push([
				`${manner} ${kind}`,
				kind,
				(value) => method.call(left, ...(args(value) as never[])),
			]);
		}
	}
	await refuseAll(calls);
	left.trySend(BYTES);
	assert.equal(right.tryRecv(new Uint8Array(8)), 4);
});

test("flags, options and numbers of a Socket have to be such", async (t) => {
	const [left, right] = freshPair(t);
	const address = { family: "unix", abstract: "nobody" } as const;
	await refuseAll([
		["tryRecv", "integer", (value) => left.tryRecv(BYTES, value)],
		["trySend", "integer", (value) => left.trySend(BYTES, value)],
		["tryRecvfrom", "integer", (value) => left.tryRecvfrom(BYTES, value)],
		["trySendto", "integer", (value) => left.trySendto(BYTES, address, value)],
		["recv flags", "integer", (value) => left.recv(BYTES, { flags: value })],
		["recvSync flags", "integer", (value) => left.recvSync(BYTES, { flags: value })],
		["send flags", "integer", (value) => left.send(BYTES, { flags: value })],
		["sendmsg flags", "integer", (value) => left.sendmsg([BYTES], { flags: value })],
		["recvmsg flags", "integer", (value) => left.recvmsg([BYTES], { flags: value })],
		["recv options", "options", (value) => left.recv(BYTES, value)],
		["recvSync options", "object", (value) => left.recvSync(BYTES, value ?? (7 as never))],
		["recvSync spinUs", "count", (value) => left.recvSync(BYTES, { spinUs: value })],
		["sendmsg options", "options", (value) => left.sendmsg([BYTES], value)],
		["recvmsg options", "options", (value) => left.recvmsg([BYTES], value)],
		["sendmsg to", "sockaddr", (value) => left.sendmsg([BYTES], { to: value ?? ("" as never) })],
		["accept", "options", (value) => left.accept(value)],
		["bind", "sockaddr", (value) => left.bind(value)],
		["listen", "count", (value) => left.listen(value)],
		["shutdown", "choice", (value) => left.shutdown(value)],
		["busyPoll", "count", (value) => left.busyPoll(value)],
		["getOption", "choice", (value) => left.getOption(value)],
		["setOption name", "choice", (value) => left.setOption(value, true as never)],
		["setOption value", "count", (value) => left.setOption("SO_RCVBUF", value)],
		["setOption switch", "boolean", (value) => left.setOption("SO_REUSEADDR", value)],
		["getsockopt level", "integer", (value) => left.getsockopt(value, 3, 4)],
		["getsockopt name", "integer", (value) => left.getsockopt(1, value, 4)],
		["getsockopt length", "integer", (value) => left.getsockopt(1, 3, value)],
		["setsockopt level", "integer", (value) => left.setsockopt(value, 2, BYTES)],
		["setsockopt name", "integer", (value) => left.setsockopt(1, value, BYTES)],
		["setsockopt value", "bytes", (value) => left.setsockopt(1, 2, value)],
	]);
	left.trySend(BYTES);
	assert.equal(right.tryRecv(new Uint8Array(8)), 4);
});

test("words that are none of the choices are refused with the choices", async (t) => {
	const [left] = freshPair(t);
	const code = "ERR_INVALID_ARG_VALUE";
	const word = "constructor" as never;
	await assertRefuses(() => socketpair(word), { code, message: /"stream" or "seqpacket"/ });
	await assertRefuses(() => rawPair(word), { code, message: /"stream" or "dgram"/ });
	await assertRefuses(() => socket(word, "stream"), { code, message: /"inet" or "inet6"/ });
	await assertRefuses(() => left.shutdown(word), { code, message: /"read" or "write" or "both"/ });
	await assertRefuses(() => left.getOption(word), { code, message: /"constructor"/ });
	await assertRefuses(() => listen("unix:/nonexistent/x", { onStale: word }), {
		code,
		message: /"error" or "replace-dead"/,
	});
});

function freshPair(t: TestContext): [Socket, Socket] {
	const pair = rawPair();
	t.after(() => {
		for (const end of pair) end.close();
	});
	return pair;
}
