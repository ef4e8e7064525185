/** What streams, packet streams and datagram sockets say to values of wrong types; each goes on as before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagrams, datagrams, type PacketStream, type Stream, socketpair } from "socketry";
import { assertRefuses } from "../support/refusals.ts";
import { type Call, type Kind, type Method, refuseAll } from "./wrong-values.ts";

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
	assert.equal(left.sentCount, 0);
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
