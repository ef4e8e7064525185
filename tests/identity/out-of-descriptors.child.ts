/** Refuses peers while there is no descriptor left, and looks that everything is counted and nothing is left open. */
import assert from "node:assert/strict";
import { connect, type Listener, listen, type Stream } from "socketry";
import { type Socket, socket } from "socketry/socket";
import { assertNoLeaks, openResources } from "socketry/testing";

const [name = ""] = process.argv.slice(2);
const before = openResources();
let isOpen = false;
const listener: Listener<Stream> = await listen(`unix:${name}`, { allow: () => isOpen });
const accepting = listener.accept();
const hoard: Socket[] = [];

for (let round = 0; round < 3; round++) {
	const clients = await Promise.all(Array.from({ length: 8 }, () => connect(`unix:${name}`)));
	takeAll();
	const ends = clients.map((client) => client.read());
	for (const end of ends) assert.equal(await end, null);
	for (const client of clients) await client.close();
	for (const each of hoard.splice(0)) each.close();
}
const { refusedPeersCount, refusedCount, acceptedCount } = listener;
assert.equal(refusedPeersCount + refusedCount, 24);
assert.ok(refusedCount >= 8, `${refusedCount}`);
assert.equal(acceptedCount, 0);

isOpen = true;
const [client, server] = await Promise.all([connect(`unix:${name}`), accepting]);
await Promise.all([client.close(), server.close()]);
// What is refused by the policy with the very last descriptor.
isOpen = false;
const refused = await connect(`unix:${name}`);
const last = listener.accept().catch((error: unknown) => error);
takeAll();
hoard.pop()?.close();
assert.equal(await refused.read(), null);
assert.equal(listener.refusedPeersCount, refusedPeersCount + 1);
for (const each of hoard.splice(0)) each.close();
await refused.close();
listener.close();
assert.equal(((await last) as { code?: string }).code, "ERR_CLOSED");
await assertNoLeaks(before);

function takeAll(): void {
	try {
		for (;;) hoard.push(socket("unix", "dgram"));
	} catch (error) {
		assert.equal((error as { code?: string }).code, "EMFILE");
	}
}
