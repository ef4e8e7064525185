/** Uses up its descriptors, looks how everything fails without them, and that everything works again afterwards. */
import assert from "node:assert/strict";
import { connect, datagrams, listen, socketpair } from "socketry";
import { socketpair as rawPair, type Socket, socket } from "socketry/socket";
import { assertNoLeaks, openResources } from "socketry/testing";

const listener = await listen("tcp://127.0.0.1:0");
const { address } = listener;
const exhausted = {
	code: "EMFILE",
	message: /EMFILE.*: this process has no free descriptor; close some, or raise its limit \(ulimit/,
};
const openers: Readonly<Record<string, () => unknown>> = {
	connect: () => connect(address),
	"connect by name": () => connect("tcp://two.test:1", { resolver: async () => ["127.0.0.1"] }),
	"connect unix": () => connect("unix:@nobody-is-here"),
	datagrams: () => datagrams("udp://127.0.0.1:0"),
	listen: () => listen("tcp://127.0.0.1:0"),
	"listen everywhere": () => listen("tcp://*:0"),
	socket: () => socket("inet", "stream"),
	socketpair: () => socketpair(),
	"socketpair of Socket": () => rawPair("dgram"),
};

// Whatever Node opens for itself once has to be open before.
for (const [name, open] of Object.entries(openers)) {
	if (!/connect/.test(name)) await closeAll(await open());
}
const [first] = await Promise.all([connect(address), listener.accept().then(closeAll)]);
await closeAll(first);

const before = openResources();
for (let round = 0; round < 3; round++) {
	const hoard: Socket[] = [];
	try {
		for (;;) hoard.push(socket("unix", "dgram"));
	} catch (error) {
		assert.equal((error as { code?: string }).code, "EMFILE");
	}
	assert.ok(hoard.length > 10, `${hoard.length}`);
	for (const [name, open] of Object.entries(openers)) {
		await assert.rejects(async () => await open(), exhausted, name);
	}
	// One descriptor is not enough for a pair, and must not be lost over it.
	hoard.pop()?.close();
	assert.throws(() => socketpair(), exhausted);
	hoard.push(socket("unix", "dgram"));
	assert.throws(() => socket("unix", "dgram"), exhausted);
	for (const each of hoard) each.close();
	const [client, server] = await Promise.all([connect(address), listener.accept()]);
	await closeAll([client, server]);
	await closeAll(socketpair());
	await assertNoLeaks(before);
}
listener.close();

async function closeAll(opened: unknown): Promise<void> {
	for (const each of [opened].flat()) await (each as { close(): unknown }).close();
}
