/** Notifications, to a socket of ours, and from the real `systemd-notify`. */
import assert from "node:assert/strict";
import { fstatSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { LIMITS } from "socketry";
import {
	type ControlMessage,
	encodeSocketAddress,
	Socket,
	type SocketAddress,
	socket,
} from "socketry/socket";
import {
	AF_UNIX,
	AF_VSOCK,
	SCM_CREDENTIALS,
	SCM_RIGHTS,
	SOCK_SEQPACKET,
	SOCK_STREAM,
	SOL_SOCKET,
	sys,
} from "socketry/sys";
import { notify, notifyBarrier, type ServiceState } from "socketry/systemd";
import { injectFaults } from "socketry/testing";
import { EACCES, ENODEV } from "#src/sys/errno.ts";
import { findLeaks, openResources } from "#src/testing/leaks.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lacking, startPeer } from "../support/programs.ts";

interface Told {
	readonly text: string;
	readonly pid: number | undefined;
	readonly uid: number | undefined;
	readonly descriptors: readonly number[];
}

afterEach(() => {
	delete process.env["NOTIFY_SOCKET"];
});

/** Runs `body` with a receiver as a service manager has it: it learns who sends, and gets descriptors. */
async function withManager(
	body: (manager: Socket, folder: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const manager = socket("unix", "dgram");
		try {
			manager.setOption("SO_PASSCRED", true);
			const path = join(folder, "notify");
			manager.bind({ family: "unix", path });
			process.env["NOTIFY_SOCKET"] = path;
			await body(manager, folder);
		} finally {
			manager.close();
		}
	});
}

async function nextTold(manager: Socket): Promise<Told> {
	const buffer = new Uint8Array(8_192);
	const { bytes, control } = await manager.recvmsg([buffer], PATIENT);
	const credentials = find(control, SCM_CREDENTIALS);
	const rights = find(control, SCM_RIGHTS);
	return {
		text: Buffer.from(buffer.subarray(0, bytes)).toString(),
		pid: credentials?.[0],
		uid: credentials?.[1],
		descriptors: [...(rights ?? [])],
	};
}

function find(control: readonly ControlMessage[], type: number): Int32Array | undefined {
	const found = control.find((each) => each.level === SOL_SOCKET && each.type === type);
	return found && new Int32Array(found.data.slice().buffer);
}

function close(fds: readonly number[]): void {
	for (const fd of fds) Socket.fromFd(fd).close();
}

test("without a service manager nothing is sent, and false says so", async () => {
	assert.equal(await notify({ ready: true }), false);
	assert.equal(await notifyBarrier(), false);
});

test("everything that can be told is written as sd_notify(3) has it", async () => {
	const states: readonly (readonly [ServiceState, string])[] = [
		[{ ready: true }, "READY=1\n"],
		[{ ready: true, status: "on port 80 – §" }, "READY=1\nSTATUS=on port 80 – §\n"],
		[{ stopping: true, errno: 2 }, "STOPPING=1\nERRNO=2\n"],
		[{ mainPid: 4711 }, "MAINPID=4711\n"],
		[{ watchdog: true }, "WATCHDOG=1\n"],
		[{ watchdog: "trigger" }, "WATCHDOG=trigger\n"],
		[{ watchdogMs: 20_000 }, "WATCHDOG_USEC=20000000\n"],
		[{ extendTimeoutMs: 1_500 }, "EXTEND_TIMEOUT_USEC=1500000\n"],
		[{ fdstoreRemove: "db" }, "FDSTOREREMOVE=1\nFDNAME=db\n"],
		[
			{ status: "", variables: { X_MINE: "1", NOTIFYACCESS: "all" } },
			"STATUS=\nX_MINE=1\nNOTIFYACCESS=all\n",
		],
	];
	await withManager(async (manager) => {
		for (const [state, expected] of states) {
			assert.equal(await notify(state), true);
			const told = await nextTold(manager);
			assert.equal(told.text, expected);
			assert.deepEqual([told.pid, told.uid], [process.pid, process.getuid?.()]);
			assert.deepEqual(told.descriptors, []);
		}
	});
});

test("reloading comes with the time of the monotonic clock", async () => {
	await withManager(async (manager) => {
		const before = process.hrtime.bigint() / 1_000n;
		await notify({ reloading: true });
		const after = process.hrtime.bigint() / 1_000n;
		const { text } = await nextTold(manager);
		const [, time = ""] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)\n$/.exec(text) ?? [];
		assert.ok(BigInt(time) >= before && BigInt(time) <= after);
	});
});

test("an abstract socket is told as well", async () => {
	const manager = socket("unix", "dgram");
	manager.bind({ family: "unix" });
	const { abstract } = manager.getsockname() as { abstract: string };
	process.env["NOTIFY_SOCKET"] = `@${abstract}`;
	assert.equal(await notify({ ready: true }), true);
	assert.equal((await nextTold(manager)).text, "READY=1\n");
	manager.close();
});

test("what is wrong is refused whether or not there is a service manager", async () => {
	const wrong: readonly (readonly [unknown, string])[] = [
		[{}, "ERR_INVALID_ARG_VALUE"],
		[{ ready: false }, "ERR_INVALID_ARG_VALUE"],
		[undefined, "ERR_INVALID_ARG_TYPE"],
		[{ ready: 1 }, "ERR_INVALID_ARG_TYPE"],
		[{ status: "two\nlines" }, "ERR_INVALID_ARG_VALUE"],
		[{ status: "a\0b" }, "ERR_INVALID_ARG_VALUE"],
		[{ status: 1 }, "ERR_INVALID_ARG_TYPE"],
		[{ errno: 0 }, "ERR_OUT_OF_RANGE"],
		[{ mainPid: -1 }, "ERR_OUT_OF_RANGE"],
		[{ watchdog: "maybe" }, "ERR_INVALID_ARG_VALUE"],
		[{ watchdogMs: 0.5 }, "ERR_OUT_OF_RANGE"],
		[{ extendTimeoutMs: 2 ** 31 }, "ERR_OUT_OF_RANGE"],
		[{ fdstore: {} }, "ERR_INVALID_ARG_TYPE"],
		[{ fdstore: { descriptors: [] } }, "ERR_INVALID_ARG_VALUE"],
		[{ fdstore: { descriptors: [0], name: "a:b" } }, "ERR_INVALID_ARG_VALUE"],
		[{ fdstore: { descriptors: [0], name: "" } }, "ERR_INVALID_ARG_VALUE"],
		[{ fdstore: { descriptors: [0] }, fdstoreRemove: "x" }, "ERR_INVALID_ARG_VALUE"],
		[{ fdstoreRemove: "x".repeat(256) }, "ERR_INVALID_ARG_VALUE"],
		[{ variables: { "A=B": "1" } }, "ERR_INVALID_ARG_VALUE"],
		[{ variables: { A: "1\nB=2" } }, "ERR_INVALID_ARG_VALUE"],
		[{ status: "x".repeat(LIMITS.notifyMessageBytes) }, "ERR_LIMIT"],
	];
	for (const [state, code] of wrong) {
		await assert.rejects(notify(state as ServiceState), { code }, JSON.stringify(state));
	}
	await assert.rejects(notify({ ready: true }, { pid: 0 }), { code: "ERR_OUT_OF_RANGE" });
	await assert.rejects(notifyBarrier({ timeoutMs: -1 }), { code: "ERR_OUT_OF_RANGE" });
});

test("the longest message that systemd reads is sent, and one byte more is not", async () => {
	await withManager(async (manager) => {
		const room = LIMITS.notifyMessageBytes - "STATUS=\n".length;
		await notify({ status: "x".repeat(room) });
		assert.equal((await nextTold(manager)).text.length, 4_096);
		await assert.rejects(notify({ status: "x".repeat(room + 1) }), {
			code: "ERR_LIMIT",
			limit: "notifyMessageBytes",
		});
	});
});

test("addresses of a service manager that are none are told of", async () => {
	for (const text of [
		"relative",
		"@",
		"vsock:",
		"vsock:2",
		"vsock:4294967295:1",
		"vsock-raw:2:1",
	]) {
		process.env["NOTIFY_SOCKET"] = text;
		await assert.rejects(notify({ ready: true }), {
			code: "ERR_SYSTEMD",
			variable: "NOTIFY_SOCKET",
		});
	}
	process.env["NOTIFY_SOCKET"] = "/nonexistent/notify";
	await assert.rejects(notify({ ready: true }), { code: "ENOENT", path: "/nonexistent/notify" });
});

test("descriptors for the store arrive as the same open files, and stay open here", async () => {
	await withManager(async (manager) => {
		const kept = socket("inet", "stream");
		const fdstore = { name: "sessions", descriptors: [kept, kept.fd], poll: false };
		await notify({ fdstore });
		const { text, descriptors } = await nextTold(manager);
		assert.equal(text, "FDSTORE=1\nFDNAME=sessions\nFDPOLL=0\n");
		assert.equal(descriptors.length, 2);
		const inode = fstatSync(kept.fd).ino;
		for (const fd of descriptors) assert.equal(fstatSync(fd).ino, inode);
		close(descriptors);
		assert.equal(kept.closed, false);
		kept.close();
		await assert.rejects(notify({ fdstore: { descriptors: [kept] } }), { code: "ERR_CLOSED" });
	});
});

test("a full queue is waited for, and descriptors may be closed meanwhile", async () => {
	await withManager(async (manager) => {
		const queued = await fill();
		await assert.rejects(notify({ ready: true }, { timeoutMs: 20 }), { code: "ERR_TIMEOUT" });
		const given = socket("inet", "stream");
		const inode = fstatSync(given.fd).ino;
		const pending = notify({ fdstore: { descriptors: [given] } }, PATIENT);
		given.close();
		for (let i = 0; i < queued; i++) assert.equal((await nextTold(manager)).text, "WATCHDOG=1\n");
		assert.equal(await pending, true);
		const { descriptors } = await nextTold(manager);
		assert.deepEqual(
			descriptors.map((fd) => fstatSync(fd).ino),
			[inode],
		);
		close(descriptors);
	});
});

/** Tells until there is no room. Returns how often. */
async function fill(): Promise<number> {
	for (let count = 0; count < 100_000; count++) {
		const isTold = await notify({ watchdog: true }, { timeoutMs: 0 }).catch(() => false);
		if (!isTold) return count;
	}
	throw new Error("the queue has no end");
}

test("a barrier is over when the service manager has closed its descriptor", async () => {
	await withManager(async (manager) => {
		await notify({ status: "last words" });
		let isOver = false;
		const barrier = notifyBarrier(PATIENT).then((answer) => {
			isOver = true;
			return answer;
		});
		assert.equal((await nextTold(manager)).text, "STATUS=last words\n");
		const { text, descriptors } = await nextTold(manager);
		assert.equal(text, "BARRIER=1\n");
		assert.equal(descriptors.length, 1);
		await new Promise(setImmediate);
		assert.equal(isOver, false);
		close(descriptors);
		assert.equal(await barrier, true);

		await assert.rejects(notifyBarrier({ timeoutMs: 20 }), { code: "ERR_TIMEOUT" });
		const signal = AbortSignal.abort("no more");
		await assert.rejects(notifyBarrier({ signal }), { code: "ABORT_ERR", cause: "no more" });
	});
});

test("a barrier that has to wait for room in the queue is over in the same way", async () => {
	await withManager(async (manager) => {
		const queued = await fill();
		const barrier = notifyBarrier(PATIENT);
		for (let i = 0; i < queued; i++) assert.equal((await nextTold(manager)).text, "WATCHDOG=1\n");
		const { text, descriptors } = await nextTold(manager);
		assert.deepEqual([text, descriptors.length], ["BARRIER=1\n", 1]);
		close(descriptors);
		assert.equal(await barrier, true);
	});
});

const isRoot = process.getuid?.() === 0;

test("who may speaks in the name of another process", {
	skip: isRoot ? false : "needs root",
}, async () => {
	await withManager(async (manager) => {
		await notify({ ready: true }, { pid: process.ppid });
		assert.equal((await nextTold(manager)).pid, process.ppid);
	});
});

/** Until disposed of, a vsock is a Unix socket, for few kernels have a vsock to themselves; datagrams over it are missing, as nearly everywhere. */
function vsockAs(to: SocketAddress, type: number): Disposable {
	const real = { ...sys };
	const expected = Buffer.from(encodeSocketAddress({ family: "vsock", cid: 2, port: 9 }));
	sys.socket = (domain, kind, protocol) => {
		if (domain !== AF_VSOCK) return real.socket(domain, kind, protocol);
		return (kind & 0xf) === type ? real.socket(AF_UNIX, kind, protocol) : ENODEV;
	};
	sys.bind = () => EACCES;
	sys.connect = (fd, name) => {
		assert.deepEqual(Buffer.from(name), expected);
		return real.connect(fd, encodeSocketAddress(to));
	};
	return { [Symbol.dispose]: () => Object.assign(sys, real) };
}

for (const [type, number] of [
	["seqpacket", SOCK_SEQPACKET],
	["stream", SOCK_STREAM],
] as const) {
	test(`the machine outside is told over vsock, by ${type} where there are no datagrams`, async () => {
		const outside = socket("unix", type);
		outside.bind({ family: "unix" });
		outside.listen();
		const as = vsockAs(outside.getsockname(), number);
		try {
			for (const text of ["vsock:2:9", `vsock-${type}:2:9`]) {
				process.env["NOTIFY_SOCKET"] = text;
				assert.equal(await notify({ ready: true, status: "booted" }, PATIENT), true);
				const connection = await outside.accept(PATIENT);
				const buffer = Buffer.alloc(100);
				const bytes = await connection.recv(buffer, PATIENT);
				assert.equal(buffer.toString("utf8", 0, bytes), "READY=1\nSTATUS=booted\n");
				connection.close();
			}
			process.env["NOTIFY_SOCKET"] = "vsock-dgram:2:9";
			await assert.rejects(notify({ ready: true }), { code: "ENODEV" });
			await assert.rejects(notifyBarrier(), { code: "ERR_UNSUPPORTED" });
			const fdstore = { descriptors: [outside] };
			await assert.rejects(notify({ fdstore }), { code: "ERR_UNSUPPORTED" });
		} finally {
			as[Symbol.dispose]();
			outside.close();
		}
	});
}

test("a failing system call is told, and leaves nothing open", async () => {
	await withManager(async (manager) => {
		const kept = socket("unix", "dgram");
		const fdstore = { descriptors: [kept] };
		const faults = [
			["socket", "EMFILE"],
			["connect", "ECONNREFUSED"],
			["sendmsg", "EPERM"],
			["sendmsg", "ETOOMANYREFS"],
		] as const;
		const before = openResources();
		for (const [call, fail] of faults) {
			using _ = injectFaults([{ call, fail }]);
			await assert.rejects(notify({ fdstore }), { code: fail, syscall: call });
		}
		{
			// It has to wait, and no descriptor is free for the duplicate.
			using _ = injectFaults([
				{ call: "sendmsg", fail: "EAGAIN" },
				{ call: "dup", fail: "EMFILE" },
			]);
			await assert.rejects(notify({ fdstore }), { code: "EMFILE" });
		}
		for (const [call, fail] of [["socketpair", "EMFILE"], ...faults] as const) {
			using _ = injectFaults([{ call, fail }]);
			await assert.rejects(notifyBarrier(), { code: fail });
		}
		assert.deepEqual(findLeaks(before), []);
		assert.equal(await notify({ fdstore }), true);
		close((await nextTold(manager)).descriptors);
		kept.close();
	});
});

test("the real systemd-notify is understood, and shows its credentials", {
	skip: lacking("systemd-notify"),
}, async () => {
	await withManager(async (manager) => {
		const sender = startPeer("systemd-notify", [
			"--ready",
			`--pid=${process.pid}`,
			"--status=from elsewhere",
			"X_OURS=1",
		]);
		const told = await nextTold(manager);
		assert.equal(told.text.includes("READY=1\n"), true);
		assert.equal(told.text.includes(`MAINPID=${process.pid}`), true);
		assert.equal(told.text.includes("STATUS=from elsewhere\n"), true);
		assert.equal(told.text.includes("X_OURS=1"), true);
		assert.equal(told.uid, process.getuid?.());
		// Root may speak in the name of the process that it was given; others speak for themselves.
		assert.ok([sender.pid, process.pid].includes(told.pid ?? 0));
		const barrier = await nextTold(manager);
		assert.equal(barrier.text.trim(), "BARRIER=1");
		close(barrier.descriptors);
		const { code } = await sender.ended;
		assert.equal(code, 0);
	});
});
