import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect, datagrams, listen, socketpair } from "socketry";
import { Socket, socket } from "socketry/socket";
import { EBUSY, sys } from "socketry/sys";
import { PATIENCE_MS } from "../support/patience.ts";

const F_GETFL = 3;
const CLOSED_FD = 999_999;

function openFile(t: TestContext): number {
	const directory = mkdtempSync(join(tmpdir(), "socketry-input-"));
	const fd = openSync(join(directory, "file"), "w+");
	t.after(() => {
		closeSync(fd);
		rmSync(directory, { recursive: true });
	});
	return fd;
}

const OPENERS: Readonly<Record<string, (address: string) => Promise<unknown>>> = {
	connect: (address) => connect(address),
	datagrams: (address) => datagrams(address),
	listen: (address) => listen(address),
};

for (const [name, open] of Object.entries(OPENERS)) {
	test(`${name} refuses a descriptor that is not open`, async () => {
		await assert.rejects(open(`fd:${CLOSED_FD}`), {
			name: "SyscallError",
			code: "EBADF",
			message: /not open/,
		});
	});

	test(`${name} refuses a file, and leaves it as it is`, async (t) => {
		const fd = openFile(t);
		const flags = sys.fcntl(fd, F_GETFL);
		await assert.rejects(open(`fd:${fd}`), { code: "ENOTSOCK", message: /is no socket/ });
		globalThis.gc?.();
		await new Promise((resolve) => setImmediate(resolve));
		assert.ok(fstatSync(fd).isFile());
		assert.equal(sys.fcntl(fd, F_GETFL), flags);
	});

	test(`${name} refuses a socket of another kind, and leaves it as it is`, async (t) => {
		const wrong = socket("inet", name === "connect" ? "dgram" : "stream");
		t.after(() => wrong.close());
		const { fd } = wrong;
		await assert.rejects(open(`fd:${fd}`), { code: "ERR_INVALID_ADDRESS", message: /descriptor/ });
		globalThis.gc?.();
		await new Promise((resolve) => setImmediate(resolve));
		assert.equal(wrong.fd, fd);
		assert.ok(sys.fcntl(fd, F_GETFL) >= 0);
	});
}

test("connect refuses a stream socket that is not connected, and leaves it open", async () => {
	const idle = socket("inet", "stream");
	const fd = idle.detachFd();
	await assert.rejects(connect(`fd:${fd}`), { code: "ENOTCONN" });
	const again = Socket.fromFd(fd);
	assert.equal(again.family, "inet");
	again.close();
});

test("a descriptor that another object of the thread owns cannot be taken over", async () => {
	const [left, right] = socketpair();
	assert.throws(() => Socket.fromFd(left.socket.fd), { code: "EEXIST" });
	await assert.rejects(connect(`fd:${left.socket.fd}`), { code: "EEXIST" });
	await left.write("still works");
	assert.equal(String(await right.read()), "still works");
	await Promise.all([left.close(), right.close()]);
});

test("Socket.fromFd refuses numbers that are no open descriptor", () => {
	for (const fd of [-1, 1.5, Number.NaN, 2 ** 31, 2 ** 32]) {
		assert.throws(() => Socket.fromFd(fd), { code: "ERR_OUT_OF_RANGE", message: /"fd"/ });
	}
	for (const fd of ["1", null, undefined, {}, 1n]) {
		assert.throws(() => Socket.fromFd(fd as never), { code: "ERR_INVALID_ARG_TYPE" });
	}
	assert.throws(() => Socket.fromFd(CLOSED_FD), { code: "EBADF" });
});

test("a Socket over a file cannot be waited for, and says so", async (t) => {
	const own = sys.dup(openFile(t));
	const file = Socket.fromFd(own);
	assert.throws(() => file.getOption("SO_TYPE"), { code: "ENOTSOCK" });
	assert.throws(() => file.tryRecv(new Uint8Array(1)), { code: "ENOTSOCK" });
	assert.throws(() => file.listen(), { code: "ENOTSOCK" });
	assert.throws(() => file.getsockname(), { code: "ENOTSOCK" });
	assert.throws(() => file.tryAccept(), { code: "ENOTSOCK" });
	await assert.rejects(file.accept(), { code: "ENOTSOCK" });
	assert.equal(file.tryWrite(new Uint8Array(3)), 3);
	assert.equal(file.tryRead(new Uint8Array(3)), 0);
	file.close();
});

test("a Socket over a directory reads EISDIR", () => {
	const directory = Socket.fromFd(openSync("/", "r"));
	assert.throws(() => directory.tryRead(new Uint8Array(1)), { code: "EISDIR" });
	directory.close();
});

test("a descriptor that a socket holds cannot be closed behind its back", async () => {
	const [left, right] = socketpair();
	assert.equal(sys.close(left.socket.fd), EBUSY);
	await left.write("still works");
	assert.equal(String(await right.read()), "still works");
	await Promise.all([left.close(), right.close()]);
});

test("a socket whose number was closed by others fails, and harms nobody", async () => {
	const [left, right] = socketpair();
	closeSync(left.socket.fd);
	await assert.rejects(left.read(), { code: "EBADF" });
	await assert.rejects(left.write(new Uint8Array(100_000)), { code: "EBADF" });
	left.abort();
	assert.equal(await right.read(), null);
	await right.close();
});

test("a Socket over a FIFO waits and reads, although its number was a socket's before", async (t) => {
	const directory = mkdtempSync(join(tmpdir(), "socketry-fifo-"));
	t.after(() => rmSync(directory, { recursive: true }));
	const path = join(directory, "fifo");
	execFileSync("mkfifo", [path]);
	const [left, right] = socketpair();
	const reading = left.read();
	await right.write("x");
	await reading;
	const { fd } = left.socket;
	await Promise.all([left.close(), right.close()]);
	const opened = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
	assert.equal(opened, fd);
	const fifo = Socket.fromFd(opened);
	const memory = new Uint8Array(8);
	assert.equal(fifo.tryRead(memory), undefined);
	const count = fifo.read(memory);
	assert.equal(fifo.tryWrite(Buffer.from("through")), 7);
	assert.equal(await count, 7);
	await assert.rejects(fifo.read(memory, { timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	assert.throws(() => fifo.readSync(memory, { timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	assert.throws(() => fifo.getsockname(), { code: "ENOTSOCK" });
	fifo.close();
});

test("a number that was a socket's before and is a file now cannot be waited for", async (t) => {
	const [left, right] = socketpair();
	const reading = left.read();
	await right.write("x");
	await reading;
	const { fd } = left.socket;
	await Promise.all([left.close(), right.close()]);
	assert.equal(openFile(t), fd);
	const file = Socket.fromFd(fd);
	const [ours, theirs] = socketpair();
	t.after(() => Promise.all([ours.close(), theirs.close()]));
	const { descriptor } = file as unknown as {
		descriptor: { awaitReadable(waiter: object): void };
	};
	assert.throws(() => descriptor.awaitReadable({}), { code: "EPERM" });
	assert.equal(file.detachFd(), fd);
});

test("a descriptor that Node itself watches is refused, and Node goes on with it", async (t) => {
	const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => server.close());
	const pairs = Array.from({ length: 10 }, () => socketpair());
	const numbers = new Set(pairs.map(([left]) => left.socket.fd));
	for (const [left, right] of pairs) {
		const reading = left.read();
		await right.write("x");
		await reading;
	}
	await Promise.all(pairs.flat().map((each) => each.close()));
	const clients = Array.from({ length: 10 }, () =>
		createConnection((server.address() as AddressInfo).port, "127.0.0.1"),
	);
	t.after(() => {
		for (const client of clients) client.destroy();
	});
	await Promise.all(clients.map((client) => once(client, "connect")));
	let refused = 0;
	for (const client of clients) {
		const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
		if (numbers.has(fd)) refused++;
		const taken = Socket.fromFd(fd);
		await assert.rejects(taken.recv(new Uint8Array(1)), { code: "EEXIST" });
		assert.equal(taken.detachFd(), fd);
		client.write("still there");
		const [echo] = await once(client, "data", { signal: AbortSignal.timeout(PATIENCE_MS) });
		assert.equal(String(echo), "still there");
	}
	assert.ok(refused > 0, "no number was used again");
});
