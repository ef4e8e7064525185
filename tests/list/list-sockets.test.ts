/** The listing against the running kernel: sockets that the test opened itself are all there, as they are. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type Datagrams, datagrams, formatAddress, listen, parseAddress } from "socketry";
import { type ListedSocket, listSockets, socketMatches } from "socketry/list";
import { socket as makeSocket, socketpair } from "socketry/socket";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { until } from "../support/patience.ts";
import { mine, one } from "./own-sockets.ts";

test("a TCP listener and both ends of a connection tell of each other, with queues and times", async () => {
	for (const host of ["127.0.0.1", "[::1]"]) {
		const listener = await listen(`tcp://${host}:0`, { backlog: 7 });
		const address = formatAddress(listener.address) as "tcp://h:1";
		const client = await connect(address);
		const server = await listener.accept();
		await client.write(new Uint8Array(1234));
		await client.flush();
		const waiting = await connect(address);
		// The kernel may let the last segments wait.
		let sockets = await mine();
		await until(async () => {
			sockets = await mine();
			const isThere = sockets.some(({ waitingCount }) => waitingCount === 1);
			return isThere && sockets.some(({ receiveQueueBytes }) => receiveQueueBytes === 1234);
		});
		const listed = one(sockets, (each) => each.state === "listening" && each.local === address);
		assert.equal(listed.kind, "tcp");
		assert.deepEqual([listed.waitingCount, listed.backlogCount], [1, 7]);
		assert.equal(listed.receiveQueueBytes, undefined);
		assert.equal(listed.uid, process.geteuid?.());
		const near = one(sockets, (each) => each.local === formatAddress(client.address as never));
		const far = one(sockets, (each) => each.peer?.address === near.local && each.inode > 0);
		assert.deepEqual([near.state, far.state], ["established", "established"]);
		assert.deepEqual([near.peer?.address, near.peer?.inode], [address, far.inode]);
		assert.equal(far.peer?.holders[0]?.pid, process.pid);
		assert.equal(far.receiveQueueBytes, 1234);
		// All of it until it is acknowledged.
		assert.ok([0, 1234].includes(near.sendQueueBytes ?? -1));
		assert.ok((near.tcp?.roundTripUs ?? 0) > 0, JSON.stringify(near));
		assert.equal(near.tcp?.retransmittedCount, 0);
		assert.match(near.tcp?.congestionControl ?? "", /^[a-z]/);
		for (const stream of [client, server, waiting]) stream.abort();
		listener.close();
	}
});

test("what waits to be accepted is listed without a process, and as the peer of who waits", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const to = formatAddress(listener.address);
	const client = await connect(to);
	const { sockets } = await listSockets({ addresses: [formatAddress(client.address as never)] });
	const far = one(
		sockets,
		(each) => each.inode === 0 && each.state === "established" && each.local === to,
	);
	assert.deepEqual(far.holders, []);
	assert.equal(far.peer?.holders[0]?.pid, process.pid);
	client.abort();
	listener.close();
});

for (const transport of ["unix", "unix-seqpacket"] as const) {
	test(`a ${transport} client tells the name of the server's file, and who serves it`, async () => {
		await inFolder(async (folder) => {
			const address = `${transport}:${join(folder, "s")}` as `unix:${string}`;
			const listener = await listen(address, { backlog: 5 });
			const client = await connect(address);
			const server = await listener.accept();
			const waiting = await connect(address);
			const sockets = await mine();
			const listed = one(sockets, (each) => each.state === "listening" && each.local === address);
			assert.deepEqual([listed.kind, listed.file], [transport, "there"]);
			assert.deepEqual([listed.waitingCount, listed.backlogCount], [1, 5]);
			const ends = sockets.filter(
				(each) => each.state === "established" && each.kind === transport,
			);
			const far = one(ends, (each) => each.local === address);
			const near = one(ends, (each) => each.inode === far.peer?.inode);
			assert.deepEqual([near.local, near.peer?.address], [undefined, address]);
			assert.equal(near.peer?.inode, far.inode);
			assert.deepEqual(near.peer?.holders, far.holders);
			const third = one(ends, (each) => each.peer?.isWaiting === true);
			assert.equal(third.peer?.address, address);
			assert.equal(third.peer?.holders[0]?.pid, process.pid);
			for (const stream of [client, server, waiting]) stream.abort();
			listener.close();
		});
	});
}

test("both ends of a socketpair, an abstract name, and queues in bytes", async () => {
	const [left, right] = socketpair("stream");
	left.trySend(new Uint8Array(300));
	const name = abstractName();
	const receiver = await datagrams(`unix-dgram:${name}`);
	const sender = await datagrams(undefined, { connect: `unix-dgram:${name}` });
	const sockets = await mine();
	const far = one(sockets, (each) => each.holders[0]?.fds[0] === right.fd);
	assert.equal(far.receiveQueueBytes, 300);
	assert.deepEqual(far.peer?.holders[0]?.fds, [left.fd]);
	const bound = one(sockets, (each) => each.local === `unix-dgram:${name}`);
	assert.equal(bound.kind, "unix-dgram");
	const connected = one(sockets, (each) => each.peer?.address === bound.local);
	assert.equal(connected.peer?.inode, bound.inode);
	left.close();
	right.close();
	await sender.close();
	await receiver.close();
});

test("UDP sockets, bound and connected", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams(undefined, { connect: server.address });
	await client.send("12345");
	const sockets = await mine();
	const bound = one(sockets, (each) => each.local === formatAddress(server.address));
	assert.deepEqual([bound.kind, bound.state], ["udp", "unconnected"]);
	assert.equal(bound.peer, undefined);
	assert.ok((bound.receiveQueueBytes ?? 0) > 0);
	const connected = one(sockets, (each) => each.peer?.address === bound.local);
	assert.equal(connected.state, "established");
	assert.deepEqual(
		[connected.peer?.inode, connected.peer?.holders[0]?.pid],
		[bound.inode, process.pid],
	);
	await client.close();
	await server.close();
});

test("who gets what a UDP socket sends is named where that is sure", async () => {
	const everywhere = await datagrams("udp://*:0");
	const onlyIpv6 = await datagrams("udp://*:0", { ipv6Only: true });
	const shared = await datagrams("udp://127.0.0.1:0", { reusePort: true });
	const again = await datagrams(shared.address, { reusePort: true });
	const portOf = ({ address }: Datagrams): number => (address as { port: number }).port;
	const targets: readonly (readonly [string, Datagrams | undefined])[] = [
		[`udp://127.0.0.1:${portOf(everywhere)}`, everywhere],
		[`udp://[::1]:${portOf(everywhere)}`, everywhere],
		[`udp://[::1]:${portOf(onlyIpv6)}`, onlyIpv6],
		[`udp://127.0.0.1:${portOf(onlyIpv6)}`, undefined],
		[`udp://127.0.0.1:${portOf(shared)}`, undefined],
	];
	for (const [peer, taker] of targets) {
		const client = await datagrams(undefined, { connect: peer });
		const sockets = await mine();
		const sender = one(sockets, (each) => each.peer?.address === peer);
		const bound = sockets.find(({ local }) => taker && local === formatAddress(taker.address));
		assert.equal(sender.peer?.inode, bound?.inode, peer);
		await client.close();
	}
	for (const each of [everywhere, onlyIpv6, shared, again]) await each.close();
});

test("a socket that no list has is listed as unknown, with who holds it", async () => {
	const unbound = makeSocket("inet", "stream");
	const listed = one(await mine(), (each) => each.holders[0]?.fds[0] === unbound.fd);
	assert.deepEqual([listed.kind, listed.state, listed.local], ["unknown", "unknown", undefined]);
	unbound.close();
	assert.ok(!(await mine()).some(({ inode }) => inode === listed.inode));
});

test("a socket that several processes hold has all of them", async () => {
	const listener = makeSocket("inet", "stream");
	listener.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	listener.listen();
	const child = spawn("sleep", ["60"], { stdio: ["ignore", listener.fd, "ignore"] });
	const { port } = listener.getsockname() as { port: number };
	const address = `tcp://127.0.0.1:${port}`;
	const listed = one(await mine(), (each) => each.local === address);
	const holders = listed.holders.map(({ pid, command, fds }) => [pid, command, fds]);
	assert.deepEqual(
		holders.filter(([pid]) => pid === child.pid),
		[[child.pid, "sleep", [1]]],
	);
	assert.ok(holders.some(([pid]) => pid === process.pid));
	const ended = new Promise((resolve) => child.once("close", resolve));
	child.kill("SIGKILL");
	await ended;
	listener.close();
});

test("a wrong filter is refused", async () => {
	await assert.rejects(listSockets(null as never), { code: "ERR_INVALID_ARG_TYPE" });
});

test("addresses of a listing are those that the library takes", async () => {
	const listener = await listen("tcp://[::1]:0");
	const { local = "" } = one(await mine(), (each) => each.state === "listening");
	assert.deepEqual(parseAddress(local), listener.address);
	listener.close();
});

const EXAMPLE: ListedSocket = {
	kind: "tcp",
	state: "established",
	inode: 9,
	local: "tcp://[fe80::1%eth0]:8080",
	peer: { address: "tcp://10.0.0.7:443", holders: [] },
	holders: [{ pid: 12, fds: [3], command: "nginx", uid: 33, user: "www-data" }],
	uid: 0,
	user: "root",
};

test("a filter asks for one of each of its lists", () => {
	const yes = [
		{},
		{ kinds: [] },
		{ kinds: ["udp", "tcp"] },
		{ states: ["established"] },
		{ ports: [8080] },
		{ ports: [443] },
		{ pids: [12], users: ["www-data"] },
		{ users: [33] },
		{ users: ["33"] },
		{ commands: ["ngin"] },
		{ addresses: ["10.0.0"] },
	] as const;
	for (const filter of yes) assert.ok(socketMatches(EXAMPLE, filter), JSON.stringify(filter));
	const no = [
		{ kinds: ["udp"] },
		{ states: ["listening"] },
		{ ports: [80] },
		{ pids: [12], users: ["root"] },
		{ commands: ["apache"] },
		{ paths: ["/run"] },
	] as const;
	for (const filter of no) assert.ok(!socketMatches(EXAMPLE, filter), JSON.stringify(filter));
	const unix: ListedSocket = { ...EXAMPLE, kind: "unix", local: "unix:/run/a/b.sock", holders: [] };
	for (const path of ["/run/a/b.sock", "/run", "/run/a/"]) {
		assert.ok(socketMatches(unix, { paths: [path] }), path);
	}
	assert.ok(!socketMatches(unix, { paths: ["/run/a/b"] }));
	// Nobody is known to hold it: then who made it counts.
	assert.ok(socketMatches(unix, { users: ["root"] }));
});
