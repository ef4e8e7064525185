import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { release } from "node:os";
import { test } from "node:test";
import { syscallError } from "#src/errors.ts";
import { getOption, type OptionTarget, setOption } from "#src/socket/option.ts";
import { listOptions, type ReadableOptionName } from "#src/socket/option-table.ts";
import { type Socket, socket, socketpair } from "#src/socket/socket.ts";

const skip = process.platform === "linux" ? false : "the options are those of Linux";

/** A connected pair of TCP sockets, and one of each other kind. */
async function withSockets(check: (sockets: readonly Socket[]) => void): Promise<void> {
	const listener = socket("inet", "stream");
	listener.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	listener.listen();
	const tcp = socket("inet", "stream");
	await tcp.connect(listener.getsockname());
	const udp = socket("inet", "dgram");
	udp.connectSync({ family: "inet", host: "127.0.0.1", port: 9 });
	const pair = socketpair("stream");
	const sockets = [
		tcp,
		udp,
		...pair,
		listener,
		socket("inet6", "stream"),
		socket("inet6", "dgram"),
	];
	try {
		check(sockets);
	} finally {
		for (const each of sockets) each.close();
	}
}

function isOlderThan(version: string): boolean {
	const [major = 0, minor = 0] = release().split(".").map(Number);
	const [wantedMajor = 0, wantedMinor = 0] = version.split(".").map(Number);
	return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

test("every option that can be read is read on some kind of socket", { skip }, async (context) => {
	const unread: string[] = [];
	await withSockets((sockets) => {
		for (const { name, type, canRead, since } of listOptions()) {
			if (!canRead || isOlderThan(since)) continue;
			const values = sockets.flatMap((each) => {
				try {
					return [getOption(each, name as ReadableOptionName)];
				} catch (error) {
					assert.ok(error instanceof Error && "code" in error, name);
					return [];
				}
			});
			if (type === "descriptor") for (const fd of values) closeSync(Number(fd));
			if (values.length === 0) unread.push(name);
		}
	});
	context.diagnostic(`not readable here: ${unread.join(" ")}`);
	// Kernels are built without some features; most must be there.
	assert.ok(unread.length < 12, unread.join(" "));
});

test("options are set and read back with their types", { skip }, async () => {
	await withSockets(([tcp, udp]) => {
		assert.ok(tcp && udp);
		setOption(tcp, "TCP_NODELAY", true);
		assert.equal(getOption(tcp, "TCP_NODELAY"), true);
		setOption(tcp, "SO_LINGER", { on: true, seconds: 3 });
		assert.deepEqual(getOption(tcp, "SO_LINGER"), { on: true, seconds: 3 });
		setOption(tcp, "SO_RCVTIMEO", 1_500);
		assert.equal(getOption(tcp, "SO_RCVTIMEO"), 1_500);
		setOption(tcp, "TCP_KEEPIDLE", 77);
		assert.equal(getOption(tcp, "TCP_KEEPIDLE"), 77);
		setOption(tcp, "TCP_CONGESTION", "reno");
		assert.equal(getOption(tcp, "TCP_CONGESTION"), "reno");
		setOption(tcp, "SO_MAX_PACING_RATE", 1_000_000);
		assert.equal(getOption(tcp, "SO_MAX_PACING_RATE"), 1_000_000n);
		setOption(tcp, "IP_TTL", 33);
		assert.equal(getOption(tcp, "IP_TTL"), 33);
		setOption(udp, "IP_MULTICAST_IF", "127.0.0.1");
		assert.equal(getOption(udp, "IP_MULTICAST_IF"), "127.0.0.1");
		setOption(udp, "IP_ADD_MEMBERSHIP", { group: "239.255.1.2", interface: "127.0.0.1" });
		setOption(udp, "IP_DROP_MEMBERSHIP", { group: "239.255.1.2", interface: "127.0.0.1" });
	});
});

test("TCP_INFO tells the state and the figures of a connection", { skip }, async () => {
	await withSockets(([tcp, , , , listener]) => {
		assert.ok(tcp && listener);
		const info = getOption(tcp, "TCP_INFO");
		assert.equal(info.state, "ESTABLISHED");
		assert.ok(info.rttUs > 0 && info.sndMssBytes > 500 && info.sndCwnd > 0);
		assert.equal(info.bytesReceived, 0);
		assert.equal(getOption(listener, "TCP_INFO").state, "LISTEN");
	});
});

test("SO_PEERCRED names this process at the other end of a pair", { skip }, () => {
	const [left, right] = socketpair("stream");
	const { pid, uid } = getOption(left, "SO_PEERCRED");
	assert.deepEqual([pid, uid], [process.pid, process.getuid?.()]);
	left.close();
	right.close();
});

test("an option that the socket lacks is unsupported by its name", { skip }, () => {
	const [left, right] = socketpair("stream");
	assert.throws(() => getOption(left, "TCP_INFO"), {
		code: "ERR_UNSUPPORTED",
		feature: "TCP_INFO",
		message: /^TCP_INFO is not available here: this kind of socket or this kernel/,
	});
	assert.throws(() => setOption(left, "UDP_GRO", true), { message: /it came with Linux 5.0$/ });
	left.close();
	right.close();
});

test("a value that the kernel refuses is told with the name of the option", () => {
	const refusing: OptionTarget = {
		getsockopt: () => {
			throw syscallError("getsockopt", -9);
		},
		setsockopt: () => {
			throw syscallError("setsockopt", -1);
		},
	};
	assert.throws(() => setOption(refusing, "SO_MARK", 1), {
		code: "EPERM",
		option: "SO_MARK",
		message: /^setsockopt EPERM SO_MARK: the option needs privileges/,
	});
	assert.throws(() => getOption(refusing, "SO_RCVBUF"), { code: "EBADF", option: "SO_RCVBUF" });
});

test("reading what is only set and setting what is only read is refused", () => {
	const unused: OptionTarget = {
		getsockopt: () => assert.fail("read"),
		setsockopt: () => assert.fail("set"),
	};
	assert.throws(() => getOption(unused, "SO_RCVBUFFORCE" as "SO_RCVBUF"), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"name" must be an option that can be read/,
	});
	assert.throws(() => setOption(unused, "SO_ERROR" as "SO_RCVBUF", 1), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /can be set/,
	});
	assert.throws(() => setOption(unused, "IP_TOS", 256), { code: "ERR_OUT_OF_RANGE" });
});
