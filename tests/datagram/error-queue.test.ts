import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkError } from "#src/datagram/error-queue.ts";
import { datagrams } from "#src/open/open-datagrams.ts";
import type { Address } from "#src/socket/address.ts";
import { refusingUdpPort } from "../support/own-addresses.ts";
import { abstractName } from "../support/pairs.ts";
import { until } from "../support/patience.ts";

for (const [host, origin, icmpType, icmpCode] of [
	["127.0.0.1", "icmp", 3, 3],
	["[::1]", "icmp6", 1, 4],
] as const) {
	test(`a server that asks is told who refused, and goes on (${host})`, async () => {
		const name = host === "[::1]" ? "::1" : host;
		using refusing = refusingUdpPort(name);
		const nobody: Address = { transport: "udp", host: name, port: refusing.port };
		const errors: NetworkError[] = [];
		const server = await datagrams(`udp://${host}:0`, {
			onNetworkError: (error) => errors.push(error),
		});
		const client = await datagrams(undefined, { connect: server.address });
		const receiving = server.receive();
		await server.send("nobody there", nobody);
		await client.send("still alive?");
		assert.equal((await receiving).bytes, 12);
		await until(() => errors.length > 0);
		await assert.rejects(server.receive({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
		assert.deepEqual(errors, [
			{
				code: "ECONNREFUSED",
				errno: -111,
				kind: "unreachable",
				origin,
				icmpType,
				icmpCode,
				peer: nobody,
				reporter: host.replace(/[[\]]/g, ""),
			},
		]);
		await Promise.all([server.close(), client.close()]);
	});
}

test("a sender that never receives is told as well, and its datagrams are not lost over it", async () => {
	for (const connected of [false, true]) {
		using refusing = refusingUdpPort();
		const nobody = `udp://127.0.0.1:${refusing.port}`;
		const errors: NetworkError[] = [];
		const sender = await datagrams("udp://127.0.0.1:0", {
			onNetworkError: (error) => errors.push(error),
			...(connected && { connect: nobody }),
		});
		for (let i = 0; i < 50; i++) await sender.send("x", connected ? undefined : nobody);
		await sender.flush();
		assert.equal(sender.sentCount, 50);
		assert.equal(sender.droppedCount, 0);
		await until(() => errors.length > 0);
		assert.ok(errors.every(({ code }) => code === "ECONNREFUSED"));
		await sender.close();
	}
});

test("many errors neither spin nor fail a pending receive", async () => {
	using refusing = refusingUdpPort();
	const nobody = `udp://127.0.0.1:${refusing.port}`;
	let count = 0;
	const server = await datagrams("udp://127.0.0.1:0", { onNetworkError: () => count++ });
	const receiving = server.receiveBatch();
	for (let round = 0; round < 5; round++) {
		for (let i = 0; i < 20; i++) await server.send("x", nobody);
		await server.flush();
		await new Promise((resolve) => setImmediate(resolve));
	}
	await server.send("end", server.address);
	assert.equal((await receiving).count, 1);
	// The kernel limits how many it makes, and makes one for a message of many datagrams.
	await until(() => count >= 5);
	await server.close();
});

test("without being asked nobody is told, and Unix sockets cannot be asked", async () => {
	await assert.rejects(datagrams(`unix-dgram:${abstractName()}`, { onNetworkError: () => {} }), {
		code: "ERR_UNSUPPORTED",
	});
});
