/** What becomes of a socket after its stream has given it away: it is the new owner's alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, datagrams, listen, socketpair } from "socketry";
import type { Socket } from "socketry/socket";

interface Owner {
	readonly closed: boolean;
	detach(): Socket;
	abort(): void;
	close(): Promise<void>;
}

const OWNERS: Readonly<Record<string, () => Promise<[owner: Owner, other: Owner]>>> = {
	"a TCP stream": async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		return [await connect(listener.address), await listener.accept()];
	},
	"a Unix stream": async () => socketpair(),
	"a packet stream": async () => socketpair("seqpacket"),
	"a datagram socket": async () => [await datagrams(), await datagrams()],
};

for (const [name, open] of Object.entries(OWNERS)) {
	test(`${name} that has given its socket away can end nothing of it`, async () => {
		const [owner, other] = await open();
		const socket = owner.detach();
		owner.abort();
		await owner.close();
		assert.deepEqual([owner.closed, socket.closed], [true, false]);
		socket.close();
		other.abort();
	});
}
