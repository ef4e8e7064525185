import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
	closeSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readlinkSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { supports } from "socketry";
import { socket, socketpair } from "socketry/socket";
import { kindOfDescriptor } from "#src/socket/descriptor-kind.ts";
import { sys } from "#src/sys/current.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { lacking } from "../support/programs.ts";

function kindOf(fd: number): string {
	const kind = kindOfDescriptor(fd);
	sys.close(fd, 1);
	return kind;
}

function kindAt(path: string, flags = "r"): string {
	return kindOf(openSync(path, flags));
}

test("files, folders, pipes and devices are told from each other", async () => {
	const folder = mkdtempSync(join(tmpdir(), "socketry-"));
	const path = join(folder, "file");
	writeFileSync(path, "x");
	const deleted = openSync(path, "r");
	const kept = openSync(path, "r+");
	await promisify(execFile)("mkfifo", [join(folder, "fifo")]);
	const fifo = openSync(join(folder, "fifo"), "r+");
	rmSync(folder, { recursive: true });
	assert.equal(kindOf(deleted), "file");
	assert.equal(kindOf(kept), "file");
	assert.equal(kindOf(fifo), "pipe");
	assert.equal(kindAt("/proc/self/status"), "file");
	assert.equal(kindAt("/tmp"), "directory");
	assert.equal(kindAt("/dev/null"), "character-device");
	assert.equal(kindOfDescriptor(1_000_000), "unknown");
});

test("a deleted file of tmpfs, whatever its name, is no memory", (context) => {
	const path = `/dev/shm/memfd:socketry-${process.pid} (deleted)`;
	let fd: number;
	try {
		fd = openSync(path, "w+");
	} catch {
		context.skip("/dev/shm cannot be written to");
		return;
	}
	rmSync(path);
	assert.equal(kindOf(fd), "file");
});

test("sockets are told by type, of whatever family, and whether they accept", () => {
	for (const family of ["inet", "unix"] as const) {
		assert.equal(kindOf(socket(family, "stream").detachFd()), "stream");
		assert.equal(kindOf(socket(family, "dgram").detachFd()), "datagrams");
		const listener = socket(family, "stream");
		if (family === "unix") listener.bind({ family });
		listener.listen();
		assert.equal(kindOf(listener.detachFd()), "listener");
	}
	const [left, right] = socketpair("seqpacket");
	assert.equal(kindOf(left.detachFd()), "packets");
	right.close();
	if (supports("vsock")) assert.equal(kindOf(socket("vsock", "stream").detachFd()), "stream");
	// Netlink, which is no transport here.
	assert.equal(kindOf(sys.socket(16, 3, 0)), "unknown");
});

test("memory and processes are told by what their links say", () => {
	assert.equal(kindOf(sys.memfd_create(Buffer.from("any name"), 0)), "memfd");
	const pidfd = sys.pidfd_open(process.pid, 0);
	if (pidfd >= 0) assert.equal(kindOf(pidfd), "pidfd");
});

test("what the event loop of Node has open is told as what it is", () => {
	const kinds = new Map<string, string>();
	for (const fd of readdirSync("/proc/self/fd").map(Number)) {
		try {
			const [, name] = /^anon_inode:\[(\w+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
			if (name !== undefined) kinds.set(name, kindOfDescriptor(fd));
		} catch {
			// The folder's own descriptor.
		}
	}
	assert.equal(kinds.get("eventpoll"), "epoll");
	assert.equal(kinds.get("eventfd"), "eventfd");
	if (kinds.has("timerfd")) assert.equal(kinds.get("timerfd"), "timerfd");
	if (kinds.has("io_uring")) assert.equal(kinds.get("io_uring"), "unknown");
});

test("without /proc the kinds that have no other mark are unknown", {
	skip: lacking("unshare"),
}, async (context) => {
	const child = fileURLToPath(new URL("./descriptor-kind.child.js", import.meta.url));
	const command = 'mount -t tmpfs none /proc && exec "$0" "$1"';
	try {
		const args = [
			"--mount",
			"--map-root-user",
			"--user",
			"sh",
			"-c",
			command,
			process.execPath,
			child,
		];
		// Sanitizers look into /proc: this one runs without.
		const env = { ...process.env, LD_PRELOAD: "", SOCKETRY_ADDON: undefined };
		const { stdout } = await promisify(execFile)("unshare", args, { env, timeout: PATIENCE_MS });
		assert.equal(stdout, "file memfd datagrams character-device unknown\n");
	} catch (error) {
		if (!/unshare|mount/.test((error as { stderr?: string }).stderr ?? "")) throw error;
		context.skip("this user cannot have a mount namespace");
	}
});

test("looking changes nothing", () => {
	const fd = openSync("/dev/null", "r");
	const before = readdirSync("/proc/self/fd").length;
	for (let i = 0; i < 100; i++) kindOfDescriptor(fd);
	assert.equal(readdirSync("/proc/self/fd").length, before);
	closeSync(fd);
});
