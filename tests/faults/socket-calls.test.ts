/** `Socket`: a call that fails says so in each of its three manners, with the name of the call, and leaves the socket as it was. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SyscallError } from "socketry";
import { type Socket, socket, socketpair } from "socketry/socket";
import { type FaultyCall, injectFaults } from "socketry/testing";

const data = new Uint8Array(8);
const nobody = { family: "unix", abstract: "socketry-nobody-listens-here" } as const;

/** The three manners of one call: never waiting, by a promise, blocking. */
type Manners = readonly [name: string, perform: (socket: Socket) => unknown][];

const CALLS: readonly (readonly [FaultyCall, syscall: string, Manners])[] = [
	["read", "read", manners("read", data)],
	["write", "write", manners("write", data)],
	["recv", "recv", manners("recv", data)],
	["send", "send", manners("send", data)],
	["recvfrom", "recvfrom", manners("recvfrom", data)],
	["sendto", "sendto", manners("sendto", data, nobody)],
	["accept4", "accept", manners("accept")],
	["connect", "connect", manners("connect", nobody)],
	["bind", "bind", [["bind", (each) => each.bind(nobody)]]],
	["listen", "listen", [["listen", (each) => each.listen()]]],
	["shutdown", "shutdown", [["shutdown", (each) => each.shutdown("write")]]],
	["getsockname", "getsockname", [["getsockname", (each) => each.getsockname()]]],
	["getpeername", "getpeername", [["getpeername", (each) => each.getpeername()]]],
	["getsockopt", "getsockopt", [["getsockopt", (each) => each.getsockopt(1, 3, 4)]]],
	["setsockopt", "setsockopt", [["setsockopt", (each) => each.setsockopt(1, 2, data)]]],
	["socket", "socket", [["socket", () => socket("inet", "stream")]]],
	["socketpair", "socketpair", [["socketpair", () => socketpair()]]],
];

describe("a call that fails says which it was", () => {
	for (const [call, syscall, ways] of CALLS) {
		for (const [name, perform] of ways) {
			test(`${name} when ${call} fails`, async () => {
				const [left, right] = socketpair();
				const faults = injectFaults([{ call, fail: "EIO" }]);
				await assert.rejects(
					async () => await perform(left),
					(error) => {
						assert.ok(error instanceof SyscallError);
						assert.deepEqual([error.code, error.syscall, error.errno], ["EIO", syscall, -5]);
						return true;
					},
				);
				faults[Symbol.dispose]();
				assert.equal(left.trySend(data), 8);
				assert.equal(right.tryRecv(new Uint8Array(9)), 8);
				left.close();
				right.close();
			});
		}
	}
});

test("a pair or an accepted socket that cannot be owned is closed", async () => {
	for (const nth of [1, 2]) {
		using _ = injectFaults([{ call: "engineOwn", nth, fail: "ENOMEM" }]);
		assert.throws(() => socketpair(), { code: "ENOMEM", syscall: "adopt" });
	}
	const listener = socket("inet", "stream");
	listener.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	listener.listen();
	const client = socket("inet", "stream");
	await client.connect(listener.getsockname());
	{
		using _ = injectFaults([{ call: "engineOwn", fail: "ENOMEM" }]);
		assert.throws(() => listener.tryAccept(), { code: "ENOMEM" });
	}
	// Its other end was closed, which its peer finds out.
	assert.equal(await client.recv(new Uint8Array(1)), 0);
	client.close();
	listener.close();
});

test("a wait that cannot begin, or begin again, rejects", async () => {
	const [left, right] = socketpair();
	{
		using _ = injectFaults([{ call: "engineWatch", fail: "ENOSPC" }]);
		await assert.rejects(left.recv(data), { code: "ENOSPC", syscall: "epoll_ctl" });
	}
	{
		using _ = injectFaults([{ call: "engineArm", fail: "ENOMEM" }]);
		await assert.rejects(left.recv(data), { code: "ENOMEM", syscall: "epoll_ctl" });
	}
	const receiving = left.recv(data);
	right.trySend(data);
	assert.equal(await receiving, 8);
	left.close();
	right.close();
});

function manners(
	call: "read" | "write" | "recv" | "send" | "recvfrom" | "sendto" | "accept" | "connect",
	...args: unknown[]
): Manners {
	const capital = call.charAt(0).toUpperCase() + call.slice(1);
	return [`try${capital}`, call, `${call}Sync`].map((name) => [
		name,
		(each) => (each as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args),
	]);
}
