import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { connect, isAlive, type OwnedDescriptor, socketpair, supports } from "socketry";
import { ENOPROTOOPT, sys } from "socketry/sys";
import { SO_PEERPIDFD } from "#src/sys/constants.ts";
import { inFolder } from "../support/folder.ts";
import { endServer, NOBODY, needsRoot, startServer } from "./callers.ts";

const lacksIt = supports("SO_PEERPIDFD") ? false : "needs Linux 6.5";

/** As on a kernel before Linux 6.5. */
async function onOldKernel(body: () => Promise<void>): Promise<void> {
	const real = sys.getsockopt;
	sys.getsockopt = (fd, level, name, value) =>
		name === SO_PEERPIDFD ? ENOPROTOOPT : real(fd, level, name, value);
	try {
		await body();
	} finally {
		sys.getsockopt = real;
	}
}

function pidOf(pidfd: OwnedDescriptor): number {
	const [, pid] =
		/^Pid:\s(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd.fd}`, "utf8")) ?? [];
	return Number(pid);
}

describe("a pidfd of the peer", { skip: lacksIt }, () => {
	for (const type of ["stream", "seqpacket"] as const) {
		test(`of a ${type} is of the process that made the other end`, async () => {
			const [left, right] = type === "stream" ? socketpair(type) : socketpair(type);
			const pidfd = left.openPeerPidfd();
			assert.equal(pidfd.kind, "pidfd");
			assert.equal(pidOf(pidfd), process.pid);
			assert.ok(isAlive(pidfd));
			pidfd.close();
			assert.throws(() => isAlive(pidfd), { code: "ERR_CLOSED" });
			await Promise.all([left.close(), right.close()]);
			assert.throws(() => left.openPeerPidfd(), { code: "ERR_CLOSED" });
		});
	}

	test("tells when the process has ended, and later ones say so as well or are refused", async () => {
		await inFolder(async (folder) => {
			const address = `unix:${folder}/s` as const;
			const server = await startServer({ address });
			const stream = await connect(address);
			const pidfd = stream.openPeerPidfd();
			assert.equal(pidOf(pidfd), server.pid);
			assert.ok(isAlive(pidfd));
			await endServer(server);
			assert.ok(!isAlive(pidfd));
			pidfd.close();
			try {
				const late = stream.openPeerPidfd();
				assert.ok(!isAlive(late));
				late.close();
			} catch (error) {
				// Before Linux 6.16.
				assert.equal((error as { code?: string }).code, "ESRCH");
			}
			assert.equal(stream.peerCredentials.pid, server.pid);
			await stream.close();
		});
	});
});

describe("on a kernel that cannot name the process itself", () => {
	test("a pidfd is refused, unless a race is allowed", async () => {
		const [left, right] = socketpair();
		await onOldKernel(async () => {
			assert.throws(() => left.openPeerPidfd(), { code: "ERR_UNSUPPORTED", message: /Linux 6\.5/ });
			const pidfd = left.openPeerPidfd({ allowRace: true });
			assert.equal(pidOf(pidfd), process.pid);
			pidfd.close();
		});
		await Promise.all([left.close(), right.close()]);
	});

	test("a process that has ended is not opened", async () => {
		await inFolder(async (folder) => {
			const address = `unix:${folder}/s` as const;
			const server = await startServer({ address });
			const stream = await connect(address);
			await endServer(server);
			await onOldKernel(async () => {
				assert.throws(() => stream.openPeerPidfd({ allowRace: true }), { code: "ESRCH" });
			});
			await stream.close();
		});
	});

	test("a process of another user under the same number is not opened", {
		skip: needsRoot,
	}, async () => {
		await inFolder(async (folder) => {
			const address = `unix:${folder}/s` as const;
			// It listened as root and runs as nobody: as if root's process had ended and its number were nobody's by now.
			const server = await startServer({ address, laterUid: NOBODY });
			const stream = await connect(address);
			await onOldKernel(async () => {
				assert.throws(() => stream.openPeerPidfd({ allowRace: true }), { code: "ESRCH" });
			});
			await stream.close();
			await endServer(server);
		});
	});
});

test("only a pidfd can be asked whether its process runs", async () => {
	const [left, right] = socketpair();
	for (const wrong of [left, 3, undefined, null]) {
		assert.throws(() => isAlive(wrong as never), { code: "ERR_INVALID_ARG_VALUE" });
	}
	for (const allowRace of ["yes", 1]) {
		assert.throws(() => left.openPeerPidfd({ allowRace } as never), {
			code: "ERR_INVALID_ARG_TYPE",
		});
	}
	await Promise.all([left.close(), right.close()]);
});
