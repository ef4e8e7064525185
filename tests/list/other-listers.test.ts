/**
 * The listing against those of ss and lsof on the same machine. Sockets come and go meanwhile: what one of them shows before and after our
 * listing must be in ours, and what ours shows before and after theirs must be in theirs.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { connect, datagrams, formatAddress, listen } from "socketry";
import { type ListedSocket, listSockets } from "socketry/list";
import { sys } from "#src/sys/current.ts";
import { needsRoot } from "../identity/callers.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { find, lacking } from "../support/programs.ts";

type Snapshot = ReadonlySet<string>;

const ROUNDS = 3;

/** Family, type and protocol of raw IPv4 and IPv6, of packet sockets with frames and without, of netlink to route. */
const OTHER_SOCKETS = [
	[2, 3, 255],
	[10, 3, 253],
	[17, 3, 0x0300],
	[17, 2, 0x0008],
	[16, 3, 0],
] as const;

/** What `withSockets` has of TCP and UDP, and of Unix: other programs may have none. */
const LEAST = { inet: 8, unix: 7 } as const;

/** Sockets of every kind, open while `body` runs. */
async function withSockets(body: () => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		const tcp = await listen("tcp://127.0.0.1:0");
		const tcp6 = await listen("tcp://[::1]:0");
		const unix = await listen(`unix:${join(folder, "a name with spaces")}`);
		const packets = await listen(`unix-seqpacket:${abstractName()}`);
		const udp = await datagrams("udp://127.0.0.1:0");
		const udp6 = await datagrams("udp://[::1]:0");
		const unixDatagrams = await datagrams(`unix-dgram:${join(folder, "d")}`);
		const clients = [];
		for (const { address } of [tcp, tcp6, unix, packets])
			clients.push(await connect(formatAddress(address)));
		const others = OTHER_SOCKETS.map(([family, type, protocol]) =>
			sys.socket(family, type, protocol),
		);
		try {
			await body();
		} finally {
			for (const fd of others.filter((each) => each >= 0)) sys.close(fd);
			for (const client of clients) client.abort();
			for (const each of [tcp, tcp6, unix, packets, udp, udp6, unixDatagrams]) await each.close();
		}
	});
}

interface Differences {
	readonly missing: readonly string[];
	readonly invented: readonly string[];
}

/** What stays the same from before to after must be on the other side. */
async function differences(
	theirs: () => Snapshot,
	ours: () => Promise<Snapshot>,
	least: number,
): Promise<Differences> {
	const theirsBefore = theirs();
	const oursBefore = await ours();
	const theirsAfter = theirs();
	const oursAfter = await ours();
	const lasting = [...theirsBefore].filter((key) => theirsAfter.has(key));
	const shown = [...oursBefore].filter((key) => oursAfter.has(key));
	assert.ok(lasting.length >= least, `${lasting.length} to compare`);
	return {
		missing: lasting.filter((key) => !oursBefore.has(key)),
		invented: shown.filter((key) => !theirsAfter.has(key)),
	};
}

/** A process may drop a socket and have it again, all of it between before and after: what differs must do so each time. */
async function compare(
	theirs: () => Snapshot,
	ours: () => Promise<Snapshot>,
	least: number,
): Promise<void> {
	let left = await differences(theirs, ours, least);
	for (let round = 0; round < ROUNDS && left.missing.length + left.invented.length > 0; round++) {
		const again = await differences(theirs, ours, least);
		left = {
			missing: left.missing.filter((key) => again.missing.includes(key)),
			invented: left.invented.filter((key) => again.invented.includes(key)),
		};
	}
	assert.deepEqual(left, { missing: [], invented: [] });
}

/** Kind, state, inode and holders: the words of ss. */
const SS_STATES: Readonly<Record<string, string>> = {
	ESTAB: "established",
	LISTEN: "listening",
	UNCONN: "unconnected",
	"SYN-SENT": "syn-sent",
	"SYN-RECV": "syn-received",
	"FIN-WAIT-1": "fin-wait-1",
	"FIN-WAIT-2": "fin-wait-2",
	"TIME-WAIT": "time-wait",
	"CLOSE-WAIT": "close-wait",
	"LAST-ACK": "last-ack",
	CLOSING: "closing",
};
const SS_KINDS: Readonly<Record<string, string>> = {
	...{ tcp: "tcp", udp: "udp", icmp6: "icmp", p_raw: "packet", p_dgr: "packet" },
	...{ u_str: "unix", u_dgr: "unix-dgram", u_seq: "unix-seqpacket" },
};

function run(program: string, args: readonly string[]): string {
	return execFileSync(find(program) ?? program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
}

/** Unix sockets by ss: kind, state, inode, peer's inode, and process with descriptor. */
function unixBySs(): Snapshot {
	const keys = new Set<string>();
	// It writes names as they are, whatever signs they have.
	for (const line of run("ss", ["-xapHO"]).split(/\n(?=u_(?:str|dgr|seq) )/)) {
		const [, kind = "", state = "", inode, peer, users = ""] =
			/^(u_\S+)\s+(\S+)\s+\d+\s+\d+\s+.*\s(\d+)\s+\*\s+(\d+)\s*(users:.*)?$/s.exec(line) ?? [];
		if (kind === "") continue;
		addKeys(keys, `${SS_KINDS[kind]} ${SS_STATES[state]} ${inode} ${peer}`, ssHolders(users));
	}
	return keys;
}

function ssHolders(users: string): string[] {
	return [...users.matchAll(/pid=(\d+),fd=(\d+)/g)].map(([, pid, fd]) => `${pid}:${fd}`);
}

/** One for the socket and one for each holder: between fork and exec a child has all descriptors of its parent for a moment. */
function addKeys(keys: Set<string>, socket: string, holders: readonly string[]): void {
	keys.add(socket);
	for (const holder of holders) keys.add(`${socket} ${holder}`);
}

async function unixByUs(): Promise<Snapshot> {
	const { sockets } = await listSockets({ kinds: ["unix", "unix-dgram", "unix-seqpacket"] });
	const own = sockets.filter(({ namespace }) => namespace === undefined);
	const keys = new Set<string>();
	for (const socket of own) {
		const { kind, state, inode, peer } = socket;
		// A client that waits has no inode on the other side yet.
		const peerInode = peer?.isWaiting === true ? 0 : (peer?.inode ?? 0);
		addKeys(keys, `${kind} ${state} ${inode} ${peerInode}`, holdersOf(socket));
	}
	return keys;
}

function holdersOf({ holders }: ListedSocket): string[] {
	return holders.flatMap(({ pid, fds }) => fds.map((fd) => `${pid}:${fd}`));
}

test("Unix sockets: ss shows the same, with the same peers and processes", {
	skip: needsRoot || lacking("ss"),
}, async () => {
	await withSockets(() => compare(unixBySs, unixByUs, LEAST.unix));
});

/** TCP and UDP by ss: kind, state, addresses, processes. */
function inetBySs(): Snapshot {
	const keys = new Set<string>();
	for (const line of run("ss", ["-tuapnHO"]).split("\n")) {
		const [kind = "", state = "", , , local = "", peer = "", ...users] = line.trim().split(/\s+/);
		if (!["tcp", "udp"].includes(kind)) continue;
		addKeys(
			keys,
			`${kind} ${SS_STATES[state]} ${plain(local)} ${plain(peer)}`,
			ssHolders(users.join(" ")),
		);
	}
	return keys;
}

/** Addresses without what only one side writes: the interface, and IPv4 as IPv6. */
function plain(address: string): string {
	return address
		.replace(/^[a-z]+:\/\//, "")
		.replace(/%[^\]:]+/, "")
		.replace("[::ffff:", "[")
		.replace(/^\[([\d.]+)\]/, "$1")
		.replace(/^\*:/, "[::]:")
		.replace(/^(0\.0\.0\.0|\[::\]):\*$/, "*");
}

async function inetByUs(): Promise<Snapshot> {
	const { sockets } = await listSockets({ kinds: ["tcp", "udp"] });
	const own = sockets.filter(
		({ namespace, state }) => namespace === undefined && state !== "bound",
	);
	const keys = new Set<string>();
	for (const socket of own) {
		const { kind, state, local = "", peer } = socket;
		addKeys(
			keys,
			`${kind} ${state} ${plain(local)} ${plain(peer?.address ?? "*")}`,
			holdersOf(socket),
		);
	}
	return keys;
}

test("TCP and UDP: ss shows the same, with the same processes", {
	skip: needsRoot || lacking("ss"),
}, async () => {
	await withSockets(() => compare(inetBySs, inetByUs, LEAST.inet));
});

/** Raw and packet sockets, those of netlink, and connections that are over, by ss; the inode where it tells one. */
function othersBySs(): Snapshot {
	const keys = new Set<string>();
	const rows = (...args: string[]): string[][] =>
		run("ss", [...args, "-anHpO"])
			.split("\n")
			.map((line) => line.trim().split(/\s+/));
	for (const [state, , , local = "", peer = "", ...users] of rows("-w")) {
		if (state === undefined || !Object.hasOwn(SS_STATES, state)) continue;
		const ends = `${plain(local)} ${plain(peer).replace(/:\*$/, ":0")}`;
		addKeys(keys, `raw ${SS_STATES[state]} ${ends}`, ssHolders(users.join(" ")));
	}
	for (const [, , , , , , users = "", inode] of rows("-0", "-e")) {
		if (inode?.startsWith("ino:")) addKeys(keys, `packet ${inode}`, ssHolders(users));
	}
	for (const [, , , place] of rows("-A", "netlink")) {
		if (place !== undefined) keys.add(`netlink ${place}`);
	}
	for (const [, , local = "", peer = ""] of rows("-t", "state", "time-wait")) {
		if (local !== "") keys.add(`time-wait ${plain(local)} ${plain(peer)}`);
	}
	return keys;
}

// linux/netlink.h
const NETLINK: Readonly<Record<string, number>> = {
	...{ route: 0, usersock: 2, firewall: 3, "sock-diag": 4, nflog: 5, xfrm: 6, selinux: 7 },
	...{ iscsi: 8, audit: 9, "fib-lookup": 10, connector: 11, netfilter: 12, "kobject-uevent": 15 },
	...{ generic: 16, scsi: 18, ecryptfs: 19, rdma: 20, crypto: 21, smc: 22 },
};

function otherKey({ kind, state, inode, local = "", peer, subject = "" }: ListedSocket): string {
	if (kind === "raw") return `raw ${state} ${plain(local)} ${plain(peer?.address ?? "*")}`;
	if (kind === "packet") return `packet ino:${inode}`;
	if (kind === "tcp") return `time-wait ${plain(local)} ${plain(peer?.address ?? "*")}`;
	const [protocol = "", port] = subject.split(":");
	return `netlink ${NETLINK[protocol] ?? protocol}:${port === "kernel" ? 0 : port}`;
}

async function othersByUs(): Promise<Snapshot> {
	const { sockets } = await listSockets({ kinds: ["raw", "packet", "netlink", "tcp"] });
	const keys = new Set<string>();
	for (const socket of sockets) {
		if (socket.namespace !== undefined) continue;
		if (socket.kind === "tcp" && socket.state !== "time-wait") continue;
		const holders = ["raw", "packet"].includes(socket.kind) ? holdersOf(socket) : [];
		addKeys(keys, otherKey(socket), holders);
	}
	return keys;
}

test("raw, packet and netlink sockets, and connections that are over: ss shows the same", {
	skip: needsRoot || lacking("ss"),
}, async () => {
	await withSockets(() => compare(othersBySs, othersByUs, 6));
});

/** Processes, descriptors and inodes by lsof, which lists per process. */
function byLsof(): Snapshot {
	const keys = new Set<string>();
	let pid = "";
	let fd = "";
	for (const field of run("lsof", ["-n", "-P", "-i", "-U", "-F", "pfdi"]).split("\n")) {
		if (field.startsWith("p")) pid = field.slice(1);
		if (field.startsWith("f")) fd = field.slice(1);
		// The inode of a TCP or UDP socket is where others have their device.
		const [, inode] = /^[id](\d+)$/.exec(field) ?? [];
		if (inode !== undefined) keys.add(`${pid}:${fd} ${inode}`);
	}
	return keys;
}

async function likeLsof(): Promise<Snapshot> {
	const { sockets } = await listSockets();
	const inet = ["tcp", "udp"];
	const wanted = sockets.filter(({ kind }) => inet.includes(kind) || kind.startsWith("unix"));
	// What is bound, and neither listens nor is connected, is of no known protocol there.
	const own = wanted.filter(({ namespace, state }) => namespace === undefined && state !== "bound");
	return new Set(
		own.flatMap((socket) => holdersOf(socket).map((holder) => `${holder} ${socket.inode}`)),
	);
}

test("lsof shows the same descriptors of the same processes", {
	skip: needsRoot || lacking("lsof"),
}, async () => {
	await withSockets(() => compare(byLsof, likeLsof, LEAST.inet));
});
