/** A kernel that knows neither UDP_SEGMENT nor UDP_GRO: asked once a thread, before anything is sent in it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { datagrams } from "#src/open/open-datagrams.ts";
import { IPPROTO_UDP, UDP_GRO, UDP_SEGMENT } from "#src/sys/constants.ts";
import { BATCH_COLUMNS, BATCH_CONTROL_LENGTH } from "#src/sys/contract.ts";
import { sys } from "#src/sys/current.ts";
import { ENOPROTOOPT } from "#src/sys/errno.ts";
import { PATIENT } from "../support/patience.ts";

const { getsockopt, setsockopt, sendmmsg } = sys;
let asked = 0;

before(() => {
	sys.getsockopt = (fd, level, name, value) => {
		if (level !== IPPROTO_UDP || name !== UDP_SEGMENT) return getsockopt(fd, level, name, value);
		asked++;
		return ENOPROTOOPT;
	};
	sys.setsockopt = (fd, level, name, value) =>
		level === IPPROTO_UDP && name === UDP_GRO ? ENOPROTOOPT : setsockopt(fd, level, name, value);
	// Such a kernel would ignore the control message, and send all as one datagram.
	sys.sendmmsg = (fd, table, first, count, ...rest) => {
		for (let row = first; row < first + count; row++) {
			assert.equal(table[row * BATCH_COLUMNS + BATCH_CONTROL_LENGTH], 0);
		}
		return sendmmsg(fd, table, first, count, ...rest);
	};
});

after(() => {
	Object.assign(sys, { getsockopt, setsockopt, sendmmsg });
});

test("without any offload each datagram is a message of its own, and all of them arrive", async () => {
	const server = await datagrams("udp://127.0.0.1:0", { receiveBufferBytes: 4_194_304 });
	const client = await datagrams(undefined, { connect: server.address });
	const data = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i));
	await client.sendBatch(data, 10);
	for (let i = 0; i < 1_000; i += 10) await client.send(data.subarray(i, i + 10));
	await client.flush();
	for (let i = 0; i < 200; i++) {
		const start = (i % 100) * 10;
		assert.deepEqual(
			Buffer.from((await server.receive(PATIENT)).data),
			data.subarray(start, start + 10),
		);
	}
	assert.equal(client.sentCount, 200);
	assert.equal(asked, 1);
	await Promise.all([server.close(), client.close()]);
});
