/** Everything that can be passed: which descriptor it is, what giving it away does to it, and what is refused. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, fstatSync, openSync, readdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { createConnection, createServer, Socket as NodeSocket, type Server } from "node:net";
import { test } from "node:test";
import {
	type DescriptorKind,
	datagrams,
	give,
	listen,
	Memfd,
	OwnedDescriptor,
	type Passable,
	socketpair,
} from "socketry";
import { Socket, socket } from "socketry/socket";
import { Passage } from "#src/socket/passage.ts";
import { F_GETFD } from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";
import { abstractName, withSocketPath } from "../support/pairs.ts";

/** Something that can be passed, and how it is cleaned up. */
interface Made {
	readonly passable: Passable;
	readonly fd: number;
	readonly kind: DescriptorKind;
	isClosed(): boolean;
	close(): Promise<void> | void;
}

async function nodePair(): Promise<[NodeSocket, () => void]> {
	const server = createServer((peer) => peer.on("error", () => {}).resume()).listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	const client = createConnection(port, "127.0.0.1");
	await once(client, "connect");
	return [client, () => server.close()];
}

const KINDS: Readonly<Record<string, () => Promise<Made> | Made>> = {
	"a number": () => {
		const fd = openSync("/dev/null", "r");
		return {
			passable: fd,
			fd,
			kind: "character-device",
			isClosed: () => sys.fcntl(fd, F_GETFD) < 0,
			close: () => closeSync(fd),
		};
	},
	"a Socket": () => {
		const made = socket("inet", "dgram");
		return own(made, made.fd, "datagrams");
	},
	"an OwnedDescriptor": () => {
		const made = OwnedDescriptor.fromFd(openSync("/proc/self/status", "r"));
		return own(made, made.fd, "file");
	},
	"a Memfd": () => {
		const made = Memfd.create(1);
		return own(made, made.fd, "memfd");
	},
	"a FileHandle": async () => {
		const made = await open("/tmp", "r");
		return {
			passable: made,
			fd: made.fd,
			kind: "directory",
			isClosed: () => made.fd < 0,
			close: () => made.close(),
		};
	},
	"a Stream": () => {
		const [made, peer] = socketpair("stream");
		return {
			...own(made, made.socket.fd, "stream"),
			close: () => void [made, peer].map((it) => it.abort()),
		};
	},
	"a PacketStream": () => {
		const [made, peer] = socketpair("seqpacket");
		return {
			...own(made, made.socket.fd, "packets"),
			close: () => void [made, peer].map((it) => it.abort()),
		};
	},
	"a Listener": async () => {
		const made = await listen(`unix:${abstractName()}`);
		return own(made, made.socket.fd, "listener");
	},
	"a Datagrams": async () => {
		const made = await datagrams("udp://127.0.0.1:0");
		return { ...own(made, made.socket.fd, "datagrams"), close: () => made.abort() };
	},
	"a net.Socket": async () => {
		const [made, end] = await nodePair();
		return {
			passable: made,
			fd: handleFd(made),
			kind: "stream",
			isClosed: () => made.destroyed,
			close: () => {
				made.destroy();
				end();
			},
		};
	},
	"a net.Server": async () => {
		const made = createServer().listen(0, "127.0.0.1");
		await once(made, "listening");
		return {
			passable: made,
			fd: handleFd(made),
			kind: "listener",
			isClosed: () => !made.listening,
			close: () => void (made.listening && made.close()),
		};
	},
	"a dgram.Socket": async () => {
		const made = createSocket("udp4").bind(0, "127.0.0.1");
		await once(made, "listening");
		let isClosed = false;
		made.on("close", () => {
			isClosed = true;
		});
		const symbol = Object.getOwnPropertySymbols(made).find(
			(it) => it.description === "state symbol",
		);
		const state = (made as unknown as Record<symbol, { handle: { fd: number } }>)[symbol as symbol];
		return {
			passable: made,
			fd: state?.handle.fd ?? -1,
			kind: "datagrams",
			isClosed: () => isClosed,
			close: () => void (isClosed || made.close()),
		};
	},
};

function own(
	made: Passable & { close(): unknown; readonly closed: boolean },
	fd: number,
	kind: DescriptorKind,
): Made {
	return { passable: made, fd, kind, isClosed: () => made.closed, close: () => void made.close() };
}

function handleFd(made: NodeSocket | Server): number {
	return (made as unknown as { _handle: { fd: number } })._handle.fd;
}

async function pass(
	passable: Parameters<typeof give>[0] | ReturnType<typeof give>,
): Promise<OwnedDescriptor> {
	const [left, right] = socketpair("stream", { receiveDescriptors: true });
	try {
		await left.write("x", { descriptors: [passable] });
		await right.read();
		const [arrived] = right.takeDescriptors().flatMap(({ descriptors }) => descriptors);
		return arrived as OwnedDescriptor;
	} finally {
		left.abort();
		right.abort();
	}
}

for (const [name, make] of Object.entries(KINDS)) {
	test(`${name} is passed as a duplicate, and stays open`, async () => {
		const made = await make();
		const { ino } = fstatSync(made.fd, { bigint: true });
		const arrived = await pass(made.passable);
		assert.notEqual(arrived.fd, made.fd);
		assert.equal(fstatSync(arrived.fd, { bigint: true }).ino, ino);
		assert.equal(arrived.kind, made.kind);
		assert.equal(made.isClosed(), false);
		arrived.close();
		assert.equal(arrived.kind, made.kind);
		await made.close();
	});

	test(`${name} is given away, and closed here`, async () => {
		const made = await make();
		const { ino } = fstatSync(made.fd, { bigint: true });
		const arrived = await pass(give(made.passable));
		assert.equal(fstatSync(arrived.fd, { bigint: true }).ino, ino);
		if (typeof made.passable !== "number") {
			while (!made.isClosed()) await new Promise(setImmediate);
			await made.close();
		}
		arrived.close();
	});
}

test("a listener that is given leaves its socket file to the new owner", async () => {
	await withSocketPath(async (path) => {
		const listener = await listen(`unix:${path}`);
		const accepting = listener.accept();
		const arrived = await pass(give(listener));
		await assert.rejects(accepting, { code: "ERR_CLOSED" });
		assert.equal(listener.closed, true);
		listener.close();
		assert.equal(fstatSync(arrived.fd).isSocket(), true);
		const { connect } = await import("socketry");
		const client = await connect(`unix:${path}`);
		client.abort();
		arrived.close();
	});
});

test("what would lose bytes or a file is not given away, and stays as it was", async () => {
	const [stream, peer] = socketpair("stream");
	await peer.write("two\nlines\n");
	await stream.readUntil("\n");
	await assert.rejects(pass(give(stream)), { code: "ERR_BUSY" });
	assert.equal(String(await stream.read()), "lines\n");
	stream.abort();
	peer.abort();
	await withSocketPath(async (path) => {
		const server = createServer().listen(path);
		await once(server, "listening");
		await assert.rejects(pass(give(server)), { code: "ERR_INVALID_ARG_VALUE" });
		assert.equal(server.listening, true);
		const arrived = await pass(server);
		assert.equal(arrived.kind, "listener");
		arrived.close();
		server.close();
		await once(server, "close");
	});
	const [client, end] = await nodePair();
	client.pause();
	client.write(Buffer.alloc(16 * 1_048_576));
	assert.throws(() => Passage.of({ descriptors: [give(client)] }, true), { code: "ERR_BUSY" });
	assert.equal(client.destroyed, false);
	client.destroy();
	end();
});

test("what is closed says so", async () => {
	const [stream, peer] = socketpair("stream");
	stream.abort();
	peer.abort();
	const handle = await open("/dev/null", "r");
	await handle.close();
	const socketOfNode = new NodeSocket();
	const bound = createSocket("udp4");
	const closed = [stream, handle, socketOfNode, createServer(), bound];
	for (const each of closed) {
		assert.throws(() => give(each), { code: "ERR_CLOSED" });
		await assert.rejects(pass(each), { code: "ERR_CLOSED" });
	}
	bound.close();
	assert.throws(() => give(1_000_000), { code: "EBADF" });
});

test("what has no descriptor says what is wanted", async () => {
	const wrong = [undefined, null, "3", {}, [], { fd: "3" }, { socket: {} }, () => 3, Symbol("3")];
	for (const each of wrong as Passable[]) {
		const refused = { name: "InvalidTypeError", message: /a descriptor number, or an open object/ };
		assert.throws(() => give(each), refused);
		await assert.rejects(pass(each), refused);
	}
	for (const each of [-1, 1.5, Number.NaN, 2 ** 31]) {
		assert.throws(() => give(each), { code: "ERR_OUT_OF_RANGE" });
	}
	// Nothing says how this one is closed.
	await assert.rejects(pass(give({ fd: 0 })), { code: "ERR_INVALID_ARG_TYPE" });
	const [left, right] = socketpair();
	for (const descriptors of [0, "0", { length: 1 }] as unknown as number[][]) {
		await assert.rejects(left.write("x", { descriptors }), { code: "ERR_INVALID_ARG_TYPE" });
	}
	left.abort();
	right.abort();
});

test("the number of what another object owns cannot be given away", async () => {
	const owner = Socket.fromFd(socket("unix", "stream").detachFd());
	await assert.rejects(pass(give(owner.fd)), { code: "EEXIST" });
	assert.equal(owner.closed, false);
	const arrived = await pass(owner.fd);
	arrived.close();
	owner.close();
});

test("when one of several cannot be passed, none is taken", async () => {
	const fd = openSync("/dev/null", "r");
	const before = readdirSync("/proc/self/fd").length;
	const given = give(fd);
	assert.throws(() => Passage.of({ descriptors: [given, 1_000_000] }, true), { code: "EBADF" });
	assert.throws(() => Passage.of({ descriptors: [given, {} as Passable] }, true));
	assert.equal(sys.fcntl(fd, F_GETFD) >= 0, true);
	assert.equal(readdirSync("/proc/self/fd").length, before);
	// Two of one: the second finds it taken, and the first is closed with it.
	assert.throws(() => Passage.of({ descriptors: [given, given] }, true));
	assert.equal(readdirSync("/proc/self/fd").length, before - 1);
});

test("an owned descriptor is closed once, given away once, and belongs to one object", async () => {
	const fd = openSync("/dev/null", "r");
	const owned = OwnedDescriptor.fromFd(fd);
	assert.throws(() => OwnedDescriptor.fromFd(fd), { code: "EEXIST" });
	assert.throws(() => Socket.fromFd(fd), { code: "EEXIST" });
	assert.equal(owned.detachFd(), fd);
	assert.equal(owned.fd, -1);
	assert.throws(() => owned.detachFd(), { code: "ERR_CLOSED" });
	owned.close();
	{
		using again = OwnedDescriptor.fromFd(fd);
		assert.equal(again.fd, fd);
	}
	assert.throws(() => fstatSync(fd), { code: "EBADF" });
	assert.throws(() => OwnedDescriptor.fromFd(fd), { code: "EBADF" });
	assert.throws(() => OwnedDescriptor.fromFd(-1), { code: "ERR_OUT_OF_RANGE" });
});
