import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Datagrams, Listener, PacketStream, Stream } from "socketry";
import type { HandoverError, SocketsFor } from "socketry/handover";
import { decode, encodeChunk, encodeMessage, type Message } from "#src/handover/protocol.ts";

const FILE = { path: "/run/app\xff", dev: "18446744073709551615", ino: "1" };

const MESSAGES: readonly Message[] = [
	{ kind: "hello", protocols: [1, 2], pid: 1 },
	{ kind: "welcome", protocol: 1, pid: 1, socketCount: 2, stateBytes: 3, file: FILE },
	{ kind: "socket", name: "web", asked: "tcp://*:80", file: null },
	{ kind: "ready" },
	{ kind: "yours" },
	{ kind: "mine", takesConnections: true },
	{ kind: "connection", unreadBytes: 0, stateBytes: 1 },
	{ kind: "done" },
	{ kind: "refuse", reason: "busy", text: "not now" },
];

test("every message arrives as it was said, and so do chunks", () => {
	for (const message of MESSAGES) assert.deepEqual(decode(encodeMessage(message)), message);
	for (const chunk of [Buffer.of(), Buffer.from("{}"), Buffer.of(0, 1, 2)]) {
		assert.deepEqual(Buffer.from(decode(encodeChunk(chunk)) as Uint8Array), chunk);
	}
});

test("what is no message is refused, however much it looks like one", () => {
	const refused = (error: HandoverError): boolean => error.reason === "protocol";
	const wrong = [
		{},
		[],
		null,
		{ kind: "constructor" },
		{ kind: "__proto__" },
		{ kind: "mine" },
		{ kind: "hello", protocols: "1", pid: 1 },
		{ kind: "hello", protocols: [-1], pid: 1 },
		{ kind: "connection", unreadBytes: 2 ** 40, stateBytes: 0 },
		{ kind: "socket", name: "web", asked: "x", file: { ...FILE, ino: "0x10" } },
	];
	for (const each of wrong) {
		assert.throws(() => decode(Buffer.from(JSON.stringify(each))), refused, JSON.stringify(each));
	}
});

test("whatever is received, it is a message, a chunk or an error of this protocol", () => {
	const mutated = fc
		.tuple(fc.constantFrom(...MESSAGES), fc.nat(), fc.uint8Array({ maxLength: 4 }))
		.map(([message, at, bytes]) => {
			const text = Buffer.from(encodeMessage(message));
			text.set(bytes.subarray(0, text.length), at % Math.max(1, text.length - bytes.length));
			return text;
		});
	fc.assert(
		fc.property(fc.oneof(fc.uint8Array({ minLength: 1 }), mutated), (bytes) => {
			try {
				decode(bytes);
			} catch (error) {
				assert.equal((error as HandoverError).code, "ERR_HANDOVER");
			}
		}),
	);
});

test("the type of each socket follows from its address", () => {
	type Found = SocketsFor<{
		readonly web: "tcp://*:80";
		readonly local: { readonly address: "unix:/run/app"; readonly mode: 384 };
		readonly talk: "unix-seqpacket:@talk";
		readonly dns: "udp://*:53";
		readonly six: { readonly transport: "tcp"; readonly host: "::"; readonly port: 80 };
	}>;
	type Expected = {
		readonly web: Listener<Stream<"tcp">>;
		readonly local: Listener<Stream<"unix">>;
		readonly talk: Listener<PacketStream<"unix-seqpacket">>;
		readonly dns: Datagrams<"udp">;
		readonly six: Listener<Stream<"tcp">>;
	};
	const same = (found: Found): Expected => found;
	const sameBack = (expected: Expected): Found => expected;
	assert.ok(same !== sameBack);
});
