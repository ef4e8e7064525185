/** What a `Socket` says to values of wrong types, in all three manners of calling it. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { listen, socketpair } from "socketry";
import { socketpair as rawPair, type Socket, socket } from "socketry/socket";
import { assertRefuses } from "../support/refusals.ts";
import { type Call, type Kind, type Method, refuseAll } from "./wrong-values.ts";

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
