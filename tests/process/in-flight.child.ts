/** Somebody without privileges has more descriptors on their way than may be: sends are refused, and work again once some are received. Argument: the user. */
import assert from "node:assert/strict";
import { give, socketpair } from "socketry";
import { assertNoLeaks, openResources } from "socketry/testing";
import { marked } from "../support/marked-descriptors.ts";

const LIMIT = 100;
const PER_MESSAGE = 16;

// While the files of the package can be read.
for (const end of socketpair()) await end.close();
const user = Number(process.argv[2]);
process.setgroups?.([]);
process.setgid?.(user);
process.setuid?.(user);
const before = openResources();

const [left, right] = socketpair("seqpacket", { receiveDescriptors: true });
const [from, to] = socketpair("dgram", { receiveDescriptors: true });
const descriptors = Array(PER_MESSAGE).fill(0) as number[];
const tooMany = {
	code: "ETOOMANYREFS",
	syscall: "sendmsg",
	message: /too many descriptors are in flight/,
};
let sent = 0;
await assert.rejects(async () => {
	for (; sent < 2 * LIMIT; sent++) await left.send("x", { descriptors });
}, tooMany);
assert.ok(sent * PER_MESSAGE > LIMIT && sent * PER_MESSAGE < 2 * LIMIT, `${sent}`);
const file = marked();
await assert.rejects(from.send("x", undefined, { descriptors: [give(file)] }), tooMany);
assert.equal(file.closed, true);
assert.throws(() => left.trySend("x", { descriptors }), tooMany);
await left.send("without");

for (let i = 0; i < sent; i++) {
	for (const each of (await right.receiveMessage())?.descriptors ?? []) each.close();
}
assert.equal(String((await right.receiveMessage())?.data), "without");
await left.send("again", { descriptors });
for (const each of (await right.receiveMessage())?.descriptors ?? []) each.close();
await from.send("x", undefined, { descriptors: [0] });
for (const each of (await to.receive()).descriptors ?? []) each.close();
for (const end of [left, right, from, to]) await end.close();
await assertNoLeaks(before);
