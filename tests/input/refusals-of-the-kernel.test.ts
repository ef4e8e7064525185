import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connect, datagrams, listen, socketpair, UnsupportedError } from "socketry";
import { Socket, type SocketFamily, type SocketType, socket } from "socketry/socket";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { assertRefuses } from "../support/refusals.ts";

const LOCAL = { family: "inet", host: "127.0.0.1", port: 0 } as const;

function opened(t: TestContext, family: SocketFamily, type: SocketType): Socket {
	const made = socket(family, type);
	t.after(() => made.close());
	return made;
}

test("an option that the socket lacks is named, and the socket stays usable", async (t) => {
	const unix = opened(t, "unix", "stream");
	const udp = opened(t, "inet", "dgram");
	const cases: readonly (readonly [string, () => unknown])[] = [
		["TCP_INFO", () => unix.getOption("TCP_INFO")],
		["TCP_NODELAY", () => unix.setOption("TCP_NODELAY", true)],
		["TCP_INFO", () => udp.getOption("TCP_INFO")],
		["IPV6_V6ONLY", () => udp.getOption("IPV6_V6ONLY")],
		["IP_TTL", () => unix.setOption("IP_TTL", 1)],
	];
	for (const [feature, call] of cases) {
		const error = await assertRefuses(call, {
			code: "ERR_UNSUPPORTED",
			message: new RegExp(`^${feature} is not available here: this kind of socket or this kernel`),
		});
		assert.ok(error instanceof UnsupportedError);
		assert.equal(error.feature, feature);
		assert.match((error.cause as { code: string }).code, /^(ENOPROTOOPT|ENOTSUP)$/);
	}
	unix.bind({ family: "unix" });
	udp.bind(LOCAL);
});

test("an option that no kernel has is refused by number as by name", async (t) => {
	const tcp = opened(t, "inet", "stream");
	await assertRefuses(() => tcp.getsockopt(6, 9_999, 4), {
		code: "ENOPROTOOPT",
		message: /does not have the option/,
	});
	await assertRefuses(() => tcp.setsockopt(6, 9_999, new Uint8Array(4)), { code: "ENOPROTOOPT" });
	await assertRefuses(() => tcp.getOption("TCP_SMOKE" as never), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /TCP_SMOKE/,
	});
	await assertRefuses(() => tcp.setOption("SO_TYPE" as never, 1 as never), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"name" must be an option that can be set/,
	});
});

test("option values out of range never reach the kernel", async (t) => {
	const tcp = opened(t, "inet", "stream");
	for (const value of [-1, 2 ** 31, 1.5, Number.NaN]) {
		await assertRefuses(() => tcp.setOption("SO_RCVBUF", value), {
			code: "ERR_OUT_OF_RANGE",
			message: /"value" must be an integer from 0 to 2147483647/,
		});
	}
	await assertRefuses(() => tcp.setOption("SO_LINGER", { on: true, seconds: 65_536 }), {
		code: "ERR_OUT_OF_RANGE",
		message: /"seconds" must be an integer from 0 to 65535/,
	});
	await assertRefuses(() => tcp.setOption("TCP_CONGESTION", "x".repeat(16)), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /15 bytes at most/,
	});
	await assertRefuses(() => tcp.setOption("TCP_CONGESTION", "smoke"), {
		code: ["ENOENT", "EPERM"],
		message: /TCP_CONGESTION: (no congestion control|the option needs privileges)/,
	});
	await assertRefuses(() => tcp.setOption("SO_BINDTODEVICE", "nosuchdevice"), {
		code: ["ENODEV", "EPERM"],
		message: /SO_BINDTODEVICE: (no interface has this name|the option needs privileges)/,
	});
});

test("a kind of socket that the kernel lacks says so", async () => {
	await assertRefuses(() => socket("inet", "seqpacket"), {
		code: "ESOCKTNOSUPPORT",
		message: /the address family has no sockets of this type/,
	});
	await assertRefuses(() => socket("inet", "stream", 255), {
		code: ["EPROTONOSUPPORT", "EACCES", "EPERM", "ESOCKTNOSUPPORT"],
	});
	await assertRefuses(() => listen("tcp://127.0.0.1:0", { protocol: 17 }), {
		code: "EPROTONOSUPPORT",
		message: /lacks the protocol, or it does not suit the socket type/,
	});
});

test("a second bind fails and leaves the first as it is", async (t) => {
	for (const [family, address] of [
		["inet", LOCAL],
		["unix", { family: "unix", abstract: `socketry-${process.pid}-second` }],
	] as const) {
		const bound = opened(t, family, "stream");
		bound.bind(address);
		const name = bound.getsockname();
		await assertRefuses(
			() =>
				bound.bind(
					family === "inet" ? LOCAL : { family: "unix", abstract: `socketry-${process.pid}-third` },
				),
			{ code: "EINVAL", message: /the socket is bound already, or/ },
		);
		assert.deepEqual(bound.getsockname(), name);
		bound.listen();
	}
});

test("an address that is in use, and one that is not ours, say so", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const error = await assertRefuses(
		() => listen(listener.address as { port: 1 } & object as never),
		{
			code: "EADDRINUSE",
			message: /another socket holds this address; stop it, take another port, or use port 0/,
		},
	);
	assert.deepEqual(
		{ ...error },
		{
			code: "EADDRINUSE",
			errno: -98,
			syscall: "bind",
			address: "127.0.0.1",
			port: listener.address.port,
		},
	);
	listener.close();
	const udp = await datagrams("udp://127.0.0.1:0");
	await assertRefuses(() => datagrams(udp.address), { code: "EADDRINUSE", message: /use port 0/ });
	await udp.close();
	await assertRefuses(() => listen("tcp://192.0.2.1:0"), {
		code: "EADDRNOTAVAIL",
		message: /no interface of this machine has this address; use a local one, or \*/,
	});
});

test("a datagram of 65508 bytes is refused, and one of 65507 arrives", async () => {
	const receiver = await datagrams("udp://127.0.0.1:0");
	const sender = await datagrams("udp://127.0.0.1:0");
	const to = receiver.address;
	const large = new Uint8Array(65_508);
	const refusal = { code: "ERR_LIMIT", message: /65507, but 65508 .*several datagrams, or by TCP/ };
	await assertRefuses(() => sender.send(large, to), refusal);
	await assertRefuses(() => sender.trySend(large, to), refusal);
	await assertRefuses(() => sender.send("x".repeat(65_508), to), refusal);
	await assertRefuses(() => sender.sendBatch(large, 65_508, to), {
		code: "ERR_OUT_OF_RANGE",
		message: /"stride" must be an integer from 1 to 65507/,
	});
	await assertRefuses(() => sender.socket.trySendto(large, receiver.socket.getsockname()), {
		code: "EMSGSIZE",
		message: /larger than .* in one piece; send less/,
	});
	assert.equal(sender.sentCount, 0);
	await sender.send(large.subarray(1), to);
	assert.equal((await receiver.receive()).data.length, 65_507);
	await Promise.all([receiver.close(), sender.close()]);
});

test("over IPv6 the most is 65527 bytes, and over IPv4-mapped addresses 65507", async (t) => {
	const receiver = await datagrams("udp://*:0");
	if (!receiver.address.host.includes(":")) {
		await receiver.close();
		t.skip("this machine has no IPv6");
		return;
	}
	const { port } = receiver.address;
	const sender = await datagrams("udp://*:0");
	for (const [host, most] of [
		["[::1]", 65_527],
		["127.0.0.1", 65_507],
	] as const) {
		const to = `udp://${host}:${port}`;
		await assertRefuses(() => sender.send(new Uint8Array(most + 1), to), {
			code: "ERR_LIMIT",
			message: new RegExp(`${most}`),
		});
		await sender.send(new Uint8Array(most), to);
		assert.equal((await receiver.receive()).data.length, most);
	}
	await Promise.all([receiver.close(), sender.close()]);
});

test("a message that no Unix socket can carry fails alone", async () => {
	for (const kind of ["seqpacket", "dgram"] as const) {
		const [left, right] = socketpair(kind as "seqpacket");
		await assertRefuses(() => left.send(new Uint8Array(8 * 1024 * 1024)), {
			code: "EMSGSIZE",
			message: /larger than .* in one piece; send less/,
		});
		await left.send("small");
		await right.receive();
		await Promise.all([left.close(), right.close()]);
	}
});

test("connecting to nothing is refused in every manner, with Node's properties", async (t) => {
	using refusing = refusingTcpPort();
	const { port } = refusing;
	const message = /^connect ECONNREFUSED 127\.0\.0\.1:\d+: nobody listens there; start the server/;
	const error = await assertRefuses(() => connect(`tcp://127.0.0.1:${port}`), {
		code: "ECONNREFUSED",
		message,
	});
	assert.deepEqual(
		{ ...error },
		{ code: "ECONNREFUSED", errno: -111, syscall: "connect", address: "127.0.0.1", port },
	);
	const address = { family: "inet", host: "127.0.0.1", port } as const;
	const waiting = opened(t, "inet", "stream");
	await assert.rejects(waiting.connect(address), { code: "ECONNREFUSED", message });
	const blocking = opened(t, "inet", "stream");
	await assertRefuses(() => blocking.connectSync(address), { code: "ECONNREFUSED", message });
	await assertRefuses(() => connect("unix:@socketry-nobody-is-here"), {
		code: "ECONNREFUSED",
		message: /nobody listens on this abstract name; start the server/,
	});
	await assertRefuses(() => connect("vsock://1:4000000000"), {
		code: ["ECONNRESET", "ECONNREFUSED", "ENODEV", "EAFNOSUPPORT", "ETIMEDOUT", "EHOSTUNREACH"],
	});
});

test("after close everything says so", async () => {
	const [left, right] = socketpair();
	const [packets, otherPackets] = socketpair("seqpacket");
	const udp = await datagrams("udp://127.0.0.1:0");
	const listener = await listen("tcp://127.0.0.1:0");
	const low = socket("inet", "stream");
	const to = udp.address;
	await Promise.all([left, right, packets, otherPackets, udp].map((each) => each.close()));
	listener.close();
	low.close();
	const bytes = new Uint8Array(4);
	const calls: readonly (() => unknown)[] = [
		() => left.read(),
		() => left.readInto(bytes),
		() => left.readExactly(1),
		() => left.readUntil("\n"),
		() => left.write("x"),
		() => left.flush(),
		() => left.closeWrite(),
		() => left.detach(),
		() => packets.send("x"),
		() => packets.receive(),
		() => packets.receiveInto(bytes),
		() => packets.closeWrite(),
		() => udp.send("x", to),
		() => udp.trySend("x", to),
		() => udp.sendBatch(bytes, 1, to),
		() => udp.receive(),
		() => udp.receiveBatch(),
		() => udp.flush(),
		() => listener.accept(),
		() => low.bind(LOCAL),
		() => low.listen(),
		() => low.connect(LOCAL),
		() => low.tryConnect(LOCAL),
		() => low.connectSync(LOCAL),
		() => low.accept(),
		() => low.tryAccept(),
		() => low.acceptSync(),
		() => low.read(bytes),
		() => low.tryRead(bytes),
		() => low.readSync(bytes),
		() => low.send(bytes),
		() => low.sendto(bytes, LOCAL),
		() => low.recvmsg([bytes]),
		() => low.trySendmsg([bytes]),
		() => low.getOption("SO_TYPE"),
		() => low.setOption("SO_REUSEADDR", true),
		() => low.getsockname(),
		() => low.getpeername(),
		() => low.shutdown("both"),
		() => low.busyPoll(1),
		() => low.detachFd(),
	];
	for (const call of calls) {
		await assertRefuses(
			call,
			{ code: "ERR_CLOSED", message: /is closed: open a new one to go on/ },
			String(call),
		);
	}
	await Promise.all([left, packets, udp].map((each) => each.close()));
	listener.close();
	low.close();
	assert.throws(() => Socket.fromFd(low.fd), { code: "ERR_OUT_OF_RANGE" });
});

test("calls in the wrong order say what has to come first", async (t) => {
	const fresh = opened(t, "inet", "stream");
	await assertRefuses(() => fresh.tryAccept(), {
		code: "EINVAL",
		message: /the socket does not listen; call listen\(\) first/,
	});
	for (const call of [
		() => fresh.tryRecv(new Uint8Array(1)),
		() => fresh.getpeername(),
		() => fresh.shutdown("write"),
	]) {
		await assertRefuses(call, { code: "ENOTCONN", message: /connect first/ });
	}
	await assertRefuses(() => fresh.trySend(new Uint8Array(1)), { code: ["EPIPE", "ENOTCONN"] });
	const udp = opened(t, "inet", "dgram");
	await assertRefuses(() => udp.trySend(new Uint8Array(1)), {
		code: "EDESTADDRREQ",
		message: /give an address or connect first/,
	});
	await assertRefuses(() => udp.listen(), { code: "ENOTSUP", message: /does not have this/ });
	const unconnected = await datagrams("udp://127.0.0.1:0");
	await assertRefuses(() => unconnected.send("x"), {
		code: "ERR_INVALID_ADDRESS",
		message: /the socket is not connected; say where to send/,
	});
	await unconnected.close();
});
