/** The listing against the running kernel: sockets that the test opened itself are all there, as they are. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type Datagrams, datagrams, formatAddress, listen, parseAddress } from "socketry";
import { type ListedSocket, listSockets, socketMatches } from "socketry/list";
import { socket as makeSocket, socketpair } from "socketry/socket";
import { injectFaults } from "socketry/testing";
import { NOBODY, needsRoot } from "../identity/callers.ts";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { lackingNetworks } from "../support/network.ts";
import { abstractName } from "../support/pairs.ts";
import { lacking } from "../support/programs.ts";

const LISTER = new URL("./lister.child.js", import.meta.url);
const MINE = { pids: [process.pid] };

async function mine(): Promise<readonly ListedSocket[]> {
	return (await listSockets(MINE)).sockets;
}

function one(
	sockets: readonly ListedSocket[],
	holds: (socket: ListedSocket) => boolean,
): ListedSocket {
	const found = sockets.filter(holds);
	assert.equal(found.length, 1, JSON.stringify(sockets, null, 1));
	return found[0] as ListedSocket;
}

test("a TCP listener and both ends of a connection tell of each other, with queues and times", async () => {
	for (const host of ["127.0.0.1", "[::1]"]) {
		const listener = await listen(`tcp://${host}:0`, { backlog: 7 });
		const address = formatAddress(listener.address) as "tcp://h:1";
		const client = await connect(address);
		const server = await listener.accept();
		await client.write(new Uint8Array(1234));
		await client.flush();
		const waiting = await connect(address);
		const sockets = await mine();
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
	const client = await connect(formatAddress(listener.address));
	const { sockets } = await listSockets({ addresses: [formatAddress(client.address as never)] });
	const far = one(sockets, (each) => each.inode === 0 && each.state === "established");
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

test("a file that was bound by a relative path is listed where it is, and by its name alone when it is not found there", async () => {
	await inFolder(async (folder) => {
		const before = process.cwd();
		try {
			process.chdir(folder);
			using listener = makeSocket("unix", "stream");
			listener.bind({ family: "unix", path: "./bound" });
			listener.listen();
			const paths = [folder];
			const [found] = (await listSockets({ ...MINE, paths })).sockets;
			assert.deepEqual([found?.local, found?.file], [`unix:${folder}/bound`, "there"]);
			process.chdir("/");
			const { sockets } = await listSockets({ ...MINE, states: ["listening"] });
			assert.ok(sockets.some(({ local, file }) => local === "unix:./bound" && file === undefined));
		} finally {
			process.chdir(before);
		}
	});
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

test("where /proc hides processes, that is said", {
	skip: lackingNetworks() || lacking("setpriv", "mount"),
}, async () => {
	const script = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
	const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
	const under = ["unshare", "-m", "sh", "-c", script, "sh", "setpriv", ...ids];
	const { code, stdout, stderr } = await startChild(LISTER, { args: ["list"], under }).ended;
	assert.equal(code, 0, stderr);
	const { notes } = JSON.parse(stdout) as Awaited<ReturnType<typeof listSockets>>;
	const hidden = notes.find((note) => note.code === "hidden-processes");
	assert.match(hidden?.message ?? "", /\(hidepid\): who holds .* run this as root/);
});

test("a file that was removed, replaced or renamed under a listener is told", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "s");
		const address = `unix:${path}` as const;
		const first = await listen(address);
		renameSync(path, join(folder, "moved"));
		const client = await connect(`unix:${join(folder, "moved")}`);
		const server = await first.accept();
		const moved = one(await mine(), (each) => each.state === "listening");
		assert.deepEqual([moved.local, moved.file], [`unix:${join(folder, "moved")}`, "there"]);
		const near = one(await mine(), (each) => each.peer?.address === moved.local);
		assert.equal(near.peer?.holders[0]?.pid, process.pid);
		rmSync(join(folder, "moved"));
		const gone = one(await mine(), (each) => each.state === "listening");
		assert.deepEqual([gone.local, gone.file], [address, "gone"]);
		const second = await listen(address);
		const files = (await mine()).filter(
			({ local, state }) => local === address && state === "listening",
		);
		assert.deepEqual(files.map(({ file }) => file).sort(), ["replaced", "there"]);
		for (const stream of [client, server]) stream.abort();
		second.close();
		first.close();
	});
});

test("a listener is listed by the path that it was asked for: put in place at once, or beyond 107 bytes", async () => {
	await inFolder(async (folder) => {
		const long = join(folder, "x".repeat(100), "s");
		mkdirSync(join(folder, "x".repeat(100)));
		for (const [path, options] of [
			[join(folder, "s"), { onStale: "replace", mode: 0o600 }],
			[long, {}],
			[long, { onStale: "replace" }],
		] as const) {
			const listener = await listen(`unix:${path}`, options);
			const listed = one(await mine(), (each) => each.state === "listening");
			assert.deepEqual([listed.local, listed.file], [`unix:${path}`, "there"]);
			listener.close();
		}
	});
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

test("a listener in another network namespace is listed with its namespace", {
	skip: lackingNetworks(),
}, async () => {
	const name = abstractName();
	const under = ["unshare", "-n", "--"];
	const child = startChild(LISTER, { args: ["talk", `unix:${name}`], under });
	await child.line();
	const { sockets } = await listSockets({ pids: [child.pid] });
	const isOurs = (each: ListedSocket): boolean => each.local === `unix:${name}`;
	const listed = one(sockets, (each) => isOurs(each) && each.state === "listening");
	assert.equal(listed.state, "listening");
	assert.ok((listed.namespace ?? 0) > 0);
	child.process.kill("SIGTERM");
	assert.equal((await child.ended).code, 0);
	const own = await listen("tcp://127.0.0.1:0");
	assert.equal(one(await mine(), (each) => each.state === "listening").namespace, undefined);
	own.close();
});

test("who is not root is told what cannot be seen", {
	skip: needsRoot || lacking("setpriv"),
}, async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
	const child = startChild(LISTER, { args: ["list"], under: ["setpriv", ...ids, "--"] });
	const { code, stdout, stderr } = await child.ended;
	assert.equal(code, 0, stderr);
	const { sockets, notes } = JSON.parse(stdout) as Awaited<ReturnType<typeof listSockets>>;
	const listed = one(sockets, (each) => each.local === formatAddress(listener.address));
	assert.deepEqual(listed.holders, []);
	assert.deepEqual([listed.uid, listed.user], [0, "root"]);
	const hidden = notes.find((note) => note.code === "hidden-processes");
	assert.match(hidden?.message ?? "", /\d+ processes of other users .* run this as root/);
	assert.ok(sockets.every(({ holders }) => holders.every(({ uid }) => uid === NOBODY)));
	listener.close();
});

test("where netlink is refused, /proc/net tells the same sockets, and what is missing is said", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const address = formatAddress(listener.address);
	const client = await connect(address);
	const server = await listener.accept();
	const path = await listen(`unix:${abstractName()}`);
	const full = await mine();
	for (const fail of ["EPERM", "EPROTONOSUPPORT"] as const) {
		const faults = injectFaults([{ call: "socket", fail, times: Number.POSITIVE_INFINITY }]);
		const { sockets, notes } = await listSockets(MINE);
		faults[Symbol.dispose]();
		const brief = ({ kind, state, inode, local }: ListedSocket): unknown => [
			kind,
			state,
			inode,
			local,
		];
		const byInode = (a: ListedSocket, b: ListedSocket): number => a.inode - b.inode;
		assert.deepEqual([...sockets].sort(byInode).map(brief), [...full].sort(byInode).map(brief));
		assert.deepEqual(
			notes.filter(({ code }) => code === "reduced").map(({ list }) => list),
			["tcp", "tcp6", "unix"],
		);
		assert.match(notes[0]?.message ?? "", new RegExp(fail));
		const near = one(sockets, (each) => each.peer?.address === address);
		assert.equal(near.peer?.holders[0]?.pid, process.pid);
		assert.equal(near.tcp, undefined);
	}
	client.abort();
	server.abort();
	listener.close();
	path.close();
});

test("when no descriptor is left for the question, that is an error and no empty list", async () => {
	const faults = injectFaults([{ call: "socket", fail: "EMFILE" }]);
	await assert.rejects(listSockets(), { code: "EMFILE", syscall: "socket" });
	faults[Symbol.dispose]();
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
