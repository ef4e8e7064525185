/** CPython's own passing of descriptors, as the other side of ours. */
import assert from "node:assert/strict";
import { fstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { test } from "node:test";
import {
	adopt,
	connect,
	formatAddress,
	give,
	type OwnedDescriptor,
	type Stream,
	socketpair,
} from "socketry";
import { abstractName } from "../support/pairs.ts";
import { lacking, startPeer } from "../support/programs.ts";

const PEER = `
import os, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1].replace("@", "\\0", 1))
server.listen()
print("listening", flush=True)
peer, _ = server.accept()

# What comes with some bytes: a connection to write to, and a file to look at.
data, fds, flags, _ = socket.recv_fds(peer, 100, 10)
assert (data, len(fds), flags & socket.MSG_CTRUNC) == (b"two of ours", 2, 0), (data, fds, flags)
connection = socket.socket(fileno=fds[0])
connection.sendall(b"written by python")
connection.close()
print(os.fstat(fds[1]).st_ino, flush=True)
os.close(fds[1])

# What goes: 250 descriptors, then a socket that listens, with bytes in between.
null = os.open("/dev/null", os.O_RDONLY)
socket.send_fds(peer, [b"many"], [null] * 250)
peer.sendall(b"none")
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
socket.send_fds(peer, [b"a ", b"listener"], [listener.fileno()])
listener.close()

# Who sends: credentials of our own choice are those that we have.
peer.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
peer.sendall(b"ready")
data, ancillary, flags, _ = peer.recvmsg(100, socket.CMSG_SPACE(12))
[(level, kind, ids)] = ancillary
assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
print(*struct.unpack("iII", ids), flush=True)
assert peer.recv(1) == b""
`;

test("CPython gets what is passed here, and the other way round", {
	skip: lacking("python3"),
}, async () => {
	const name = abstractName();
	const python = startPeer("python3", ["-c", PEER, name]);
	assert.equal(await python.line(), "listening");
	const stream = await connect(`unix:${name}`, { receiveDescriptors: 250 });

	const [kept, given] = socketpair();
	const file = await open("/proc/self/status");
	await stream.write("two of ours", { descriptors: [give(given), file] });
	assert.equal(String(await kept.readExactly(17)), "written by python");
	assert.equal(await kept.read(), null);
	assert.equal(Number(await python.line()), fstatSync(file.fd).ino);
	await file.close();

	const text = String(await stream.readExactly(23));
	assert.equal(text, "manynonea listenerready");
	const [many, listener, ...others] = stream.takeDescriptors();
	assert.deepEqual(others, []);
	assert.deepEqual([many?.start, many?.descriptors.length], [0, 250]);
	for (const each of many?.descriptors ?? []) each.close();
	assert.ok(
		listener !== undefined && listener.start <= 8 && listener.end > 8 && listener.end <= 18,
	);
	const adopted = adopt(listener.descriptors[0] as OwnedDescriptor, { kind: "listener" });
	const client = (await connect(formatAddress(adopted.address))) as Stream;
	const server = (await adopted.accept()) as Stream;
	await client.write("over a listener of python's");
	assert.equal(String(await server.read()), "over a listener of python's");
	for (const each of [client, server, kept]) await each.close();
	adopted.close();

	const own = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
	await stream.write("x", { credentials: own });
	assert.equal(await python.line(), `${own.pid} ${own.uid} ${own.gid}`);
	await stream.close();
	const { code, stderr } = await python.ended;
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});
