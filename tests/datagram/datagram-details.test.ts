import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Datagram } from "#src/datagram/datagram-contract.ts";
import { datagrams } from "#src/open/open-datagrams.ts";
import type { Address } from "#src/socket/address.ts";
import { abstractName } from "../support/pairs.ts";

const LOOPBACK = Number(readFileSync("/sys/class/net/lo/ifindex", "utf8"));

function portOf(address: Address): number {
	assert.ok("port" in address);
	return address.port;
}

const ALL = {
	destination: true,
	hopLimit: true,
	trafficClass: true,
	timestamp: true,
	missedCount: true,
};

for (const [server, host, shown] of [
	["udp://0.0.0.0:0", "127.0.0.2", "127.0.0.2"],
	["udp://[::]:0", "[::1]", "::1"],
	["udp://*:0", "[::1]", "::1"],
	["udp://*:0", "127.0.0.3", "::ffff:127.0.0.3"],
] as const) {
	test(`all details arrive, and the answer leaves from the address that was asked (${server}, ${host})`, async () => {
		const answering = await datagrams(server, { details: ALL });
		const asking = await datagrams(undefined, {
			connect: `udp://${host}:${portOf(answering.address)}`,
			details: ALL,
		});
		const before = BigInt(Date.now()) * 1_000_000n;
		await asking.send("question", undefined, { hopLimit: 7, dscp: 46, ecn: 2 });
		const { destination, hopLimit, dscp, ecn, timestampNs, from, missedCount } =
			await answering.receive();
		assert.equal(destination?.host, shown);
		assert.ok((destination?.interfaceIndex ?? 0) > 0);
		assert.deepEqual([hopLimit, dscp, ecn], [7, 46, 2]);
		assert.equal(missedCount, undefined);
		// The two clocks are read at different resolutions.
		const after = BigInt(Date.now() + 1) * 1_000_000n;
		assert.ok((timestampNs ?? 0n) >= before - 10_000_000n && (timestampNs ?? 0n) <= after);
		await answering.send("answer", from, { source: destination });
		const answer = await asking.receive();
		assert.equal(Buffer.from(answer.data).toString(), "answer");
		assert.deepEqual(answer.from, asking.peer);
		assert.deepEqual([answer.dscp, answer.ecn], [0, 0]);
		await Promise.all([answering.close(), asking.close()]);
	});
}

test("without being asked a datagram has no details", async () => {
	const socket = await datagrams("udp://127.0.0.1:0");
	await socket.send("x", socket.address);
	assert.deepEqual(Object.keys(await socket.receive()), ["data", "from", "bytes", "truncated"]);
	await socket.close();
});

test("a Unix datagram has a timestamp only", async () => {
	const socket = await datagrams(`unix-dgram:${abstractName()}`, { details: { timestamp: true } });
	await socket.send("x", socket.address);
	assert.equal(typeof (await socket.receive()).timestampNs, "bigint");
	await socket.close();
	await assert.rejects(datagrams(`unix-dgram:${abstractName()}`, { details: { hopLimit: true } }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
});

test("what the full queue of the socket lost is told by a later datagram", async () => {
	const server = await datagrams("udp://127.0.0.1:0", {
		receiveBufferBytes: 4_096,
		details: { missedCount: true },
		offload: false,
	});
	const client = await datagrams(undefined, { connect: server.address, offload: false });
	for (let i = 0; i < 100; i++) await client.send(Buffer.alloc(1_000));
	await client.flush();
	let count = 0;
	let after = 0;
	for (;;) {
		const next = await server.receive({ timeoutMs: 5 }).catch(() => undefined);
		// The kernel may be late with some, and lose this one for want of room as well.
		if (next === undefined) await client.send(String(after++));
		else if (next.bytes === 1_000) count++;
		else {
			assert.equal(next.missedCount, 100 + Number(Buffer.from(next.data)) - count);
			break;
		}
	}
	await Promise.all([server.close(), client.close()]);
});

test("datagrams with different details are not merged, and each has its own", async () => {
	for (const offload of [true, false]) {
		const server = await datagrams("udp://127.0.0.1:0", {
			details: { trafficClass: true },
			offload,
		});
		const client = await datagrams("udp://127.0.0.1:0", { offload });
		const expected: [string, number][] = [];
		for (let i = 0; i < 60; i++) {
			const dscp = (i >> 3) % 3;
			expected.push([`${10 + i}`, dscp]);
			await client.send(`${10 + i}`, server.address, { dscp });
		}
		await client.sendBatch(Buffer.from("aabbc"), 2, server.address, { dscp: 9 });
		for (const text of ["aa", "bb", "c"]) expected.push([text, 9]);
		const received: [string, number | undefined][] = [];
		while (received.length < expected.length) {
			for (const { data, dscp } of await server.receiveBatch()) {
				received.push([Buffer.from(data).toString(), dscp]);
			}
		}
		assert.deepEqual(received, expected);
		await Promise.all([server.close(), client.close()]);
	}
});

test("all details together fit, with datagrams that the kernel glued", async () => {
	const server = await datagrams("udp://[::1]:0", { details: ALL });
	const client = await datagrams("udp://[::1]:0", { connect: server.address });
	await client.sendBatch(Buffer.alloc(1_000), 10, undefined, {
		hopLimit: 3,
		source: "::1",
		ecn: 1,
	});
	const seen: Datagram[] = [];
	while (seen.length < 100) seen.push(...(await server.receiveBatch()));
	for (const { bytes, hopLimit, ecn, destination, timestampNs } of seen) {
		assert.deepEqual([bytes, hopLimit, ecn, destination?.host], [10, 3, 1, "::1"]);
		assert.ok((timestampNs ?? 0n) > 0n);
	}
	await Promise.all([server.close(), client.close()]);
});

test("a datagram leaves by the interface that is asked for", async () => {
	for (const host of ["127.0.0.1", "[::1]"]) {
		const socket = await datagrams(`udp://${host}:0`, { details: { destination: true } });
		await socket.send("x", socket.address, { interfaceIndex: LOOPBACK });
		const { destination } = await socket.receive();
		assert.equal(destination?.interfaceIndex, LOOPBACK);
		assert.throws(() => socket.trySend("x", socket.address, { interfaceIndex: 0x7fff_ffff }), {
			name: "SyscallError",
		});
		await socket.close();
	}
});

test("details that cannot be sent are refused", async () => {
	const four = await datagrams("udp://127.0.0.1:0");
	const unix = await datagrams(`unix-dgram:${abstractName()}`);
	const refused = [
		[{ hopLimit: 0 }, "ERR_OUT_OF_RANGE"],
		[{ hopLimit: 256 }, "ERR_OUT_OF_RANGE"],
		[{ ecn: 4 }, "ERR_OUT_OF_RANGE"],
		[{ dscp: 64 }, "ERR_OUT_OF_RANGE"],
		[{ source: "::1" }, "ERR_INVALID_ADDRESS"],
		[{ source: "localhost" }, "ERR_INVALID_ADDRESS"],
		[{ source: "" }, "ERR_INVALID_ADDRESS"],
		[{ source: 5 as unknown as string }, "ERR_INVALID_ARG_TYPE"],
		[{ source: {} as unknown as string }, "ERR_INVALID_ARG_TYPE"],
		[{ interfaceIndex: 0 }, "ERR_OUT_OF_RANGE"],
	] as const;
	for (const [options, code] of refused) {
		await assert.rejects(four.send("x", four.address, options), { code });
		assert.throws(() => four.trySend("x", four.address, options), { code });
	}
	await assert.rejects(unix.send("x", unix.address, { hopLimit: 1 }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	await assert.rejects(four.send("x", four.address, { source: "192.0.2.1" }), {
		name: "SyscallError",
	});
	assert.equal(four.sentCount, 0);
	await Promise.all([four.close(), unix.close()]);
});
