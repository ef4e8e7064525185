import assert from "node:assert/strict";
import { chmodSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { connect, listen, type PeerCredentials, socketpair } from "socketry";
import { ERANGE, sys } from "socketry/sys";
import { SO_PEERSEC } from "#src/sys/constants.ts";
import { inFolder } from "../support/folder.ts";
import { connectedStreams } from "../support/pairs.ts";
import { call, endServer, needsRoot, STRANGER, startServer } from "./callers.ts";

const me = {
	pid: process.pid,
	uid: process.geteuid?.(),
	gid: process.getegid?.(),
};

const label = readLabel();

for (const transport of ["unix", "unix-seqpacket"] as const) {
	describe(`${transport}: credentials of the peer`, () => {
		test("are known at both ends, and the same frozen object each time", async () => {
			await inFolder(async (folder) => {
				const listener = await listen(`${transport}:${folder}/s`);
				const [client, server] = await Promise.all([connect(listener.address), listener.accept()]);
				for (const end of [client, server]) {
					const { securityLabel, groups, ...rest } = end.peerCredentials;
					assert.deepEqual(rest, me);
					// Node's list has the effective group as well; getgroups(2) leaves that open.
					assert.deepEqual(new Set([...groups, rest.gid]), new Set(process.getgroups?.()));
					assert.equal(securityLabel, label);
					assert.equal("securityLabel" in end.peerCredentials, label !== undefined);
					assert.equal(end.peerCredentials, end.peerCredentials);
					assert.ok(Object.isFrozen(end.peerCredentials));
					assert.ok(Object.isFrozen(end.peerCredentials.groups));
				}
				await Promise.all([client.close(), server.close()]);
				listener.close();
			});
		});

		test("stay known when the peer has gone, and after closing if they were asked for", async () => {
			const [left, right] = transport === "unix" ? socketpair() : socketpair("seqpacket");
			await right.close();
			assert.equal(left.peerCredentials.pid, process.pid);
			await left.close();
			assert.equal(left.peerCredentials.pid, process.pid);
			assert.throws(() => right.peerCredentials, { code: "ERR_CLOSED" });
		});
	});
}

test("what a policy was asked about is known from the start", async () => {
	await inFolder(async (folder) => {
		const seen: unknown[] = [];
		const listener = await listen(`unix:${folder}/s`, {
			allow: (peer) => seen.push(peer) === 1,
		});
		const [client, server] = await Promise.all([connect(listener.address), listener.accept()]);
		await server.close();
		assert.equal(server.peerCredentials, seen[0]);
		await client.close();
		listener.close();
	});
});

test("other transports say that they have none", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	for (const end of [client, server]) {
		const expected = { code: "ERR_UNSUPPORTED", feature: "SO_PEERCRED", message: /not tcp/ };
		assert.throws(() => end.peerCredentials, expected);
		assert.throws(() => end.openPeerPidfd(), expected);
	}
	await Promise.all([client.close(), server.close()]);
});

test("a server's are those of the moment in which it began to listen", {
	skip: needsRoot,
}, async () => {
	await inFolder(async (folder) => {
		const address = `unix:${folder}/s` as const;
		const server = await startServer({ address, options: { mode: 0o666 }, laterUid: STRANGER });
		const stream = await connect(address);
		const { pid, uid } = stream.peerCredentials;
		assert.deepEqual({ pid, uid }, { pid: server.pid, uid: 0 });
		assert.match(
			readFileSync(`/proc/${pid}/status`, "utf8"),
			new RegExp(`^Uid:\\s${STRANGER}`, "m"),
		);
		await stream.close();
		await endServer(server);
	});
});

test("all groups of a peer are told, however many", { skip: needsRoot }, async () => {
	await inFolder(async (folder) => {
		chmodSync(folder, 0o755);
		const address = `unix:${folder}/s` as const;
		const groups = Array.from({ length: 3_000 }, (_, i) => 10_000 + i);
		const seen: PeerCredentials[] = [];
		const allow = (peer: PeerCredentials): boolean => seen.push(peer) === 0;
		const listener = await listen(address, { mode: 0o666, allow });
		const accepting = listener.accept().catch(() => undefined);
		assert.equal(await call({ address, uid: STRANGER, gid: 7, groups }), null);
		listener.close();
		await accepting;
		assert.deepEqual({ ...seen[0], pid: 0 }, { pid: 0, uid: STRANGER, gid: 7, groups });
	});
});

test("a security label is told whole, and read once more where it is long", () => {
	const real = sys.getsockopt;
	for (const label of ["system_u:system_r:init_t:s0", `${"label".repeat(200)}\0`]) {
		const [left, right] = socketpair();
		const bytes = Buffer.from(label);
		sys.getsockopt = (fd, level, name, value) => {
			if (name !== SO_PEERSEC) return real(fd, level, name, value);
			if (value.length < bytes.length) return ERANGE;
			value.set(bytes);
			return bytes.length;
		};
		try {
			assert.equal(left.peerCredentials.securityLabel, label.replace("\0", ""));
		} finally {
			sys.getsockopt = real;
		}
		left.abort();
		right.abort();
	}
});

function readLabel(): string | undefined {
	try {
		return readFileSync("/proc/self/attr/current", "utf8").replace(/[\0\n]+$/, "") || undefined;
	} catch {
		return undefined;
	}
}
