/** Pipes of relays: how many there are at most, and what happens without them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { injectFaults } from "socketry/testing";
import { F_GETPIPE_SZ, F_SETPIPE_SZ } from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";
import { digest, KINDS, readAll, relayed, tcpPair, untilStill } from "./ends.ts";

test("a thousand relays that come and go leave no descriptor and few pipes", async () => {
	for (let i = 0; i < 1_000; i++) {
		const { client, server, running } = await relayed(
			KINDS["Unix"] as typeof tcpPair,
			KINDS["Unix"] as typeof tcpPair,
		);
		await client.write("x");
		await client.closeWrite();
		await readAll(server);
		await Promise.all([server.close(), client.close(), running.done]);
	}
});

test("more connections stand still than there are pipes, and all their bytes arrive", async () => {
	const unix = KINDS["Unix"] as typeof tcpPair;
	const before = countPipes();
	const faults = injectFaults([
		{ call: "pipe2", nth: 20, fail: "EMFILE", times: Number.POSITIVE_INFINITY },
	]);
	const relays = await Promise.all(Array.from({ length: 50 }, () => relayed(unix, unix)));
	const data = randomBytes(2_000_000);
	const sent = relays.map(async ({ client }) => {
		await client.write(data);
		await client.closeWrite();
	});
	await untilStill(() => relays.reduce((sum, { running }) => sum + running.bytesToRight, 0));
	const pipes = countPipes() - before;
	assert.ok(pipes > 2 && pipes <= 40, `${pipes} ends of pipes`);
	for (const { server } of relays) {
		assert.equal(digest(await readAll(server)), digest(data));
		await server.close();
	}
	await Promise.all(sent);
	await Promise.all(relays.map(({ client }) => client.close()));
	faults.restore();
	for (const { running } of relays) assert.equal((await running.done).isCut, false);
});

test("pipes that the kernel makes too small are not used, and closed", async () => {
	const { fcntl } = sys;
	let refused = 0;
	sys.fcntl = (fd, command, argument) => {
		if (command === F_GETPIPE_SZ) return 8_192;
		if (command !== F_SETPIPE_SZ) return fcntl(fd, command, argument);
		refused++;
		return -constants.errno.EPERM;
	};
	const faults = injectFaults([{ call: "splice", nth: 1_000_000, fail: "EAGAIN" }]);
	try {
		const { client, server, running } = await relayed(tcpPair, tcpPair);
		const data = randomBytes(4_000_000);
		const arriving = readAll(server);
		await client.write(data);
		await client.closeWrite();
		assert.equal(digest(await arriving), digest(data));
		await Promise.all([server.close(), client.close(), running.done]);
	} finally {
		faults.restore();
		sys.fcntl = fcntl;
	}
	assert.ok(refused > 0);
	assert.equal(faults.calls.get("splice") ?? 0, 0);
});

test("short messages cost no pipe", async () => {
	const before = countPipes();
	const { client, server, running } = await relayed(tcpPair, tcpPair);
	for (let i = 0; i < 20; i++) {
		await client.write("question");
		assert.equal(String(await server.readExactly(8)), "question");
		await server.write("answer");
		assert.equal(String(await client.readExactly(6)), "answer");
	}
	assert.equal(countPipes(), before);
	await Promise.all([server.close(), client.close(), running.done]);
});

function countPipes(): number {
	return readdirSync("/proc/self/fd").filter((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`).startsWith("pipe:");
		} catch {
			// The one that the listing itself had open.
			return false;
		}
	}).length;
}
