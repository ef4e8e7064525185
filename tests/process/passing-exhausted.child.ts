/** Receives descriptors while there is no room for them, and sends some that have to wait; then everything works again. */
import assert from "node:assert/strict";
import { socketpair } from "socketry";
import { type Socket, socket } from "socketry/socket";
import { assertNoLeaks, openResources } from "socketry/testing";

function hoardAll(): Socket[] {
	const hoard: Socket[] = [];
	try {
		for (;;) hoard.push(socket("unix", "dgram"));
	} catch (error) {
		assert.equal((error as { code?: string }).code, "EMFILE");
	}
	return hoard;
}

// Whatever is opened once has to be open before.
const [first, second] = socketpair();
await Promise.all([first.write("x"), second.read()]);
first.abort();
second.abort();

const before = openResources();
for (const free of [0, 1, 2, 7]) {
	const [left, right] = socketpair("stream", { receiveDescriptors: 20 });
	const hoard = hoardAll();
	for (let i = 0; i < free; i++) hoard.pop()?.close();
	await left.write("lost", { descriptors: Array(8).fill(0) });
	const lost = { code: "ERR_DESCRIPTORS_LOST", arrivedCount: free };
	await assert.rejects(right.read(), lost);
	await assert.rejects(right.readExactly(1), lost);
	assert.deepEqual(right.takeDescriptors(), []);
	for (let i = 0; i < free; i++) hoard.push(socket("unix", "dgram"));
	assert.throws(() => socket("unix", "dgram"), { code: "EMFILE" });
	left.abort();
	right.abort();
	for (const each of hoard) each.close();
	await assertNoLeaks(before);
}

// A write that has to wait needs duplicates: without them nothing of it is taken, and the others go on.
const [left, right] = socketpair("stream", { receiveDescriptors: 20 });
const hoard = hoardAll();
void left.write(new Uint8Array(1_000_000));
const sent = left.bytesWritten;
await assert.rejects(left.write("x", { descriptors: [0, 0] }), {
	code: "EMFILE",
	syscall: "fcntl",
});
hoard.pop()?.close();
await assert.rejects(left.write("x", { descriptors: [0, 0] }), {
	code: "EMFILE",
	syscall: "fcntl",
});
assert.equal(left.bytesWritten, sent);
hoard.pop()?.close();
const written = left.write("y", { descriptors: [0, 0] });
while (right.bytesRead <= sent) await right.read();
for (const each of hoard) each.close();
await written;
assert.equal(right.takeDescriptors()[0]?.descriptors.map((each) => each.close()).length, 2);
left.abort();
right.abort();

// Unasked, they cost nothing although nothing is free.
const [talking, listening] = socketpair();
const all = hoardAll();
await talking.write("fine", { descriptors: [0, 0, 0] });
assert.equal(String(await listening.read()), "fine");
assert.equal(listening.refusedDescriptorsCount, 1);
for (const each of all) each.close();
talking.abort();
listening.abort();
await assertNoLeaks(before);
