/** Every kind of socket that the kernel has, and the states of a connection's life, as the listing tells them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, formatAddress, listen, type Stream } from "socketry";
import { type ListedSocket, listSockets, type SocketState } from "socketry/list";
import { encodeSocketAddress, socket as makeSocket, type Socket } from "socketry/socket";
import { AF_INET, AF_INET6, AF_VSOCK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, sys } from "socketry/sys";
import { needsRoot } from "../identity/callers.ts";
import { startChild } from "../support/children.ts";
import { lackingNetworks, makeNetwork } from "../support/network.ts";
import { until } from "../support/patience.ts";

const MINE = { pids: [process.pid] };
const AF_NETLINK = 16;
const AF_PACKET = 17;
const OSPF = 89;
const ALL_FRAMES = 0x0300;

const loopback = encodeSocketAddress({ family: "inet", host: "127.0.0.1", port: 0 });
const loopback6 = encodeSocketAddress({ family: "inet6", host: "::1", port: 0 });

interface Case {
	readonly numbers: readonly [domain: number, type: number, protocol: number];
	readonly name?: Uint8Array;
	readonly backlog?: number;
	readonly expected: Partial<ListedSocket>;
	readonly local?: RegExp;
}

const CASES: Readonly<Record<string, Case>> = {
	"a raw socket": {
		numbers: [AF_INET, SOCK_RAW, OSPF],
		expected: { kind: "raw", state: "unconnected" },
		local: /^raw:\/\/0\.0\.0\.0:89$/,
	},
	"a raw socket of IPv6": {
		numbers: [AF_INET6, SOCK_RAW, OSPF],
		expected: { kind: "raw", state: "unconnected" },
		local: /^raw:\/\/\[::\]:89$/,
	},
	"a packet socket": {
		numbers: [AF_PACKET, SOCK_RAW, ALL_FRAMES],
		expected: { kind: "packet", subject: "0x0003" },
	},
	"a netlink socket": {
		numbers: [AF_NETLINK, SOCK_RAW, 0],
		name: Uint8Array.of(AF_NETLINK, ...new Array<number>(11).fill(0)),
		expected: { kind: "netlink", state: "unconnected" },
	},
	"an MPTCP listener": {
		numbers: [AF_INET, SOCK_STREAM, 262],
		name: loopback,
		backlog: 3,
		expected: { kind: "mptcp", state: "listening" },
		local: /^mptcp:\/\/127\.0\.0\.1:\d+$/,
	},
	"a UDP socket of IPv6": {
		numbers: [AF_INET6, SOCK_DGRAM, 17],
		name: loopback6,
		expected: { kind: "udp", state: "unconnected", receiveQueueBytes: 0 },
		local: /^udp:\/\/\[::1\]:\d+$/,
	},
};

describe("kinds", { skip: needsRoot }, () => {
	for (const [what, { numbers, name, backlog, expected, local }] of Object.entries(CASES)) {
		test(what, async (t) => {
			const fd = sys.socket(...numbers);
			if (fd < 0) {
				t.skip("this kernel has no such sockets");
				return;
			}
			try {
				if (name !== undefined) assert.equal(sys.bind(fd, name), 0);
				if (backlog !== undefined) assert.equal(sys.listen(fd, backlog), 0);
				const listed = await mineByFd(fd);
				for (const [key, value] of Object.entries(expected)) {
					assert.deepEqual(listed[key as keyof ListedSocket], value, JSON.stringify(listed));
				}
				if (local !== undefined) assert.match(listed.local ?? "", local);
				assert.deepEqual(listed.holders[0]?.fds, [fd]);
			} finally {
				sys.close(fd);
			}
		});
	}

	test("a vsock listener is listed, or said to be of a kind that this kernel does not list", async (t) => {
		const fd = sys.socket(AF_VSOCK, SOCK_STREAM, 0);
		if (fd < 0) {
			t.skip("this kernel has no vsock");
			return;
		}
		const any = 0xffff_ffff;
		sys.bind(fd, encodeSocketAddress({ family: "vsock", cid: any, port: any }));
		sys.listen(fd, 1);
		const { sockets, notes } = await listSockets(MINE);
		const listed = sockets.find(({ holders }) => holders[0]?.fds.includes(fd));
		if (listed?.kind === "vsock") assert.equal(listed.state, "listening");
		else {
			assert.equal(listed?.kind, "unknown");
			const note = notes.find(({ list }) => list === "vsock");
			assert.match(note?.message ?? "", /vsock: cannot be listed, as sock_diag answers ENOENT/);
		}
		sys.close(fd);
	});
});

async function mineByFd(fd: number): Promise<ListedSocket> {
	const { sockets } = await listSockets(MINE);
	const found = sockets.find(({ holders }) => holders.some(({ fds }) => fds.includes(fd)));
	assert.ok(found !== undefined, `descriptor ${fd} is not listed`);
	return found;
}

/** The states of both ends of a connection, the client's first. */
async function statesOf(client: string, server: string): Promise<(SocketState | undefined)[]> {
	const { sockets } = await listSockets({ kinds: ["tcp"] });
	return [
		sockets.find(({ local, peer }) => local === client && peer?.address === server)?.state,
		sockets.find(({ local, peer }) => local === server && peer?.address === client)?.state,
	];
}

async function pair(): Promise<[client: Stream, server: Stream, close: () => void]> {
	const listener = await listen("tcp://127.0.0.1:0");
	const client = (await connect(formatAddress(listener.address))) as Stream;
	return [client, (await listener.accept()) as Stream, () => listener.close()];
}

test("half-closed, and closed: the states of TCP on both sides", async () => {
	const [client, server, close] = await pair();
	const [near, far] = [client.address, client.peer].map((each) => formatAddress(each as never));
	assert.deepEqual(await statesOf(near as string, far as string), ["established", "established"]);
	await client.closeWrite();
	assert.equal(await server.read(), null);
	const [ours, theirs] = await statesOf(near as string, far as string);
	// The acknowledgement may be under way still.
	assert.match(ours ?? "", /^fin-wait-[12]$/);
	assert.equal(theirs, "close-wait");
	await server.close();
	await client.close();
	// The kernel may let the last segments wait.
	await until(async () => {
		const [last] = await statesOf(near as string, far as string);
		return last === "time-wait" || last === undefined;
	});
	assert.deepEqual(await statesOf(near as string, far as string), ["time-wait", undefined]);
	const { sockets } = await listSockets({ states: ["time-wait"], addresses: [near as string] });
	const ended = sockets.find(({ local }) => local === near);
	assert.deepEqual([ended?.inode, ended?.holders, ended?.uid], [0, [], undefined]);
	close();
});

test("a connection that is not answered is syn-sent", async () => {
	const listener = makeSocket("inet", "stream");
	listener.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	listener.listen(0);
	const address = listener.getsockname();
	// One is taken beyond the backlog; those after it get no answer.
	const clients = Array.from({ length: 4 }, () => makeSocket("inet", "stream"));
	for (const client of clients) client.tryConnect(address);
	const [first, , , last] = clients as [Socket, Socket, Socket, Socket];
	await until(async () => (await mineByFd(first.fd)).state === "established");
	assert.equal((await mineByFd(last.fd)).state, "syn-sent");
	for (const each of [listener, ...clients]) each.close();
});

test("a socket that is bound, and neither listens nor is connected, is bound or unknown by the kernel", async () => {
	const bound = makeSocket("inet", "stream");
	bound.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	const listed = await mineByFd(bound.fd);
	// Such sockets are in the lists of Linux 6.8 and later.
	if (listed.kind === "tcp") {
		assert.equal(listed.state, "bound");
		assert.match(listed.local ?? "", /^tcp:\/\/127\.0\.0\.1:\d+$/);
	} else assert.deepEqual([listed.kind, listed.state], ["unknown", "unknown"]);
	bound.close();
});

test("a connection within another network namespace has both of its ends", {
	skip: lackingNetworks(),
}, async () => {
	const network = await makeNetwork(["host"], []);
	const lister = new URL("./lister.child.js", import.meta.url);
	const under = network.under("host");
	const child = startChild(lister, { args: ["talk", "tcp://127.0.0.1:0"], under });
	const { port } = JSON.parse(await child.line()) as { port: number };
	const address = `tcp://127.0.0.1:${port}`;
	const { sockets } = await listSockets({ kinds: ["tcp"], pids: [child.pid] });
	const listener = sockets.find(({ state }) => state === "listening");
	assert.equal(listener?.local, address);
	assert.ok((listener?.namespace ?? 0) > 0);
	const near = sockets.find(({ peer }) => peer?.address === address);
	const far = sockets.find(({ local, state }) => local === address && state === "established");
	assert.deepEqual([near?.peer?.inode, far?.peer?.inode], [far?.inode, near?.inode]);
	assert.equal(near?.peer?.holders[0]?.pid, child.pid);
	child.process.kill("SIGTERM");
	assert.equal((await child.ended).code, 0);
	await network.close();
});
