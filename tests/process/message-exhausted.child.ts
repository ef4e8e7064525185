/** Receives messages with descriptors while there is no room for them, and sends some that have to wait; then everything works again. */
import assert from "node:assert/strict";
import { type Datagrams, give, type PacketStream, socketpair } from "socketry";
import { type Socket, socket } from "socketry/socket";
import { assertNoLeaks, openResources } from "socketry/testing";

interface Way {
	readonly name: string;
	open(options: object): [PacketStream, PacketStream] | [Datagrams, Datagrams];
}

const WAYS: readonly Way[] = [
	{ name: "packets", open: (options) => socketpair("seqpacket", options) },
	{ name: "datagrams", open: (options) => socketpair("dgram", options) },
];
const SOME = { receiveDescriptors: 20, receiveCredentials: true };

function send(end: PacketStream | Datagrams, data: string, options: object): Promise<void> {
	return "receiveMessage" in end ? end.send(data, options) : end.send(data, undefined, options);
}

function trySend(end: PacketStream | Datagrams, data: string): boolean {
	return end.trySend(data);
}

async function receive(end: PacketStream | Datagrams): Promise<[string, number]> {
	const message = await ("receiveMessage" in end ? end.receiveMessage() : end.receive());
	for (const each of message?.descriptors ?? []) each.close();
	return [String(message?.data), message?.descriptors?.length ?? 0];
}

function hoardAll(): Socket[] {
	const hoard: Socket[] = [];
	try {
		for (;;) hoard.push(socket("unix", "dgram"));
	} catch (error) {
		assert.equal((error as { code?: string }).code, "EMFILE");
	}
	return hoard;
}

async function receives({ open, name }: Way): Promise<void> {
	for (const free of [0, 1, 2, 7]) {
		const [left, right] = open(SOME);
		const hoard = hoardAll();
		for (let i = 0; i < free; i++) hoard.pop()?.close();
		await send(left, "lost", { descriptors: Array(8).fill(0) });
		await send(left, "plain", {});
		await send(left, "late", { descriptors: [0, 0, 0] });
		const lost = { code: "ERR_DESCRIPTORS_LOST", arrivedCount: free };
		await assert.rejects(receive(right), lost, name);
		assert.deepEqual(await receive(right), ["plain", 0]);
		for (const each of hoard) each.close();
		assert.deepEqual(await receive(right), ["late", 3]);
		left.abort();
		right.abort();
	}
}

// A message that has to wait needs duplicates: without them it is not sent, and the others go on.
async function sends({ open }: Way): Promise<void> {
	const [left, right] = open(SOME);
	let count = 0;
	while (trySend(left, "filler")) count++;
	const waiting = left.send("waits");
	const hoard = hoardAll();
	const noneFree = { code: "EMFILE", syscall: "fcntl" };
	await assert.rejects(send(left, "x", { descriptors: [0, 0] }), noneFree);
	hoard.pop()?.close();
	await assert.rejects(send(left, "x", { descriptors: [0, 0] }), noneFree);
	// What is given needs none.
	const given = give(hoard.pop() as Socket);
	const sent = send(left, "given", { descriptors: [given, 0] });
	for (let i = 0; i < count; i++) assert.deepEqual(await receive(right), ["filler", 0]);
	assert.deepEqual(await receive(right), ["waits", 0]);
	for (const each of hoard) each.close();
	assert.deepEqual(await receive(right), ["given", 2]);
	await Promise.all([waiting, sent]);
	left.abort();
	right.abort();
}

// Unasked, they cost nothing although nothing is free.
async function refuses({ open }: Way): Promise<void> {
	const [left, right] = open({});
	const hoard = hoardAll();
	await send(left, "fine", { descriptors: [0, 0, 0] });
	assert.deepEqual(await receive(right), ["fine", 0]);
	assert.equal(right.refusedDescriptorsCount, 1);
	for (const each of hoard) each.close();
	left.abort();
	right.abort();
}

// Whatever is opened once has to be open before.
for (const { open } of WAYS) {
	const [left, right] = open({});
	await Promise.all([right.receive(), left.send("x")]);
	left.abort();
	right.abort();
}
const before = openResources();
for (const way of WAYS) {
	await receives(way);
	await sends(way);
	await refuses(way);
	await assertNoLeaks(before);
}
