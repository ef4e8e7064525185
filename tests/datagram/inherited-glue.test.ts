/** UDP sockets whose former owner was busy enough to have the kernel glue what comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagrams, datagrams } from "socketry";
import { Socket } from "socketry/socket";
import { Datagrams as Class } from "#src/datagram/datagrams.ts";
import { IPPROTO_UDP, UDP_GRO } from "#src/sys/constants.ts";
import { PATIENT } from "../support/patience.ts";

const ON = new Uint8Array([1, 0, 0, 0]);
const COUNT = 20;
const STRIDE = 1_000;

/** Sends a run of equal datagrams, which the kernel glues where it was asked to. */
async function lengthsOf(heir: Datagrams): Promise<number[]> {
	const client = await datagrams(undefined, { connect: heir.address });
	await client.sendBatch(Buffer.alloc(COUNT * STRIDE), STRIDE);
	const lengths: number[] = [];
	let bytes = 0;
	while (bytes < COUNT * STRIDE) {
		const { data } = await heir.receive(PATIENT);
		lengths.push(data.length);
		bytes += data.length;
	}
	await Promise.all([client.close(), heir.close()]);
	return lengths;
}

const EACH = Array<number>(COUNT).fill(STRIDE);

test("datagrams that are glued for a former owner come one by one", async () => {
	for (const offload of [true, false]) {
		const former = await datagrams("udp://127.0.0.1:0");
		former.socket.setsockopt(IPPROTO_UDP, UDP_GRO, ON);
		const fd = former.detach().detachFd();
		assert.deepEqual(await lengthsOf(await datagrams(`fd:${fd}`, { offload })), EACH);
	}
});

test("so do those of one that has them glued only afterwards", async () => {
	const former = await datagrams("udp://127.0.0.1:0");
	const socket = former.detach();
	const heir = await datagrams(`fd:${socket.detachFd()}`);
	heir.socket.setsockopt(IPPROTO_UDP, UDP_GRO, ON);
	assert.deepEqual(await lengthsOf(heir), EACH);
});

test("so do those of a socket of the program's own", async () => {
	const former = await datagrams("udp://127.0.0.1:0");
	const socket = former.detach();
	socket.setsockopt(IPPROTO_UDP, UDP_GRO, ON);
	assert.ok(socket instanceof Socket);
	assert.deepEqual(await lengthsOf(Class.over(socket, "udp")), EACH);
});
