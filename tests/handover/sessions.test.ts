/** Datagram sockets that serve one peer each, on their way to the new process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, type Datagrams, datagrams } from "socketry";
import { takeOver } from "socketry/handover";
import { decodeSession, encodeSession } from "#src/cli/relay/session-state.ts";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";

/** Two processes in one, and a session of the first that waits for its peer. */
async function withSession(
	body: (session: Datagrams, peer: Datagrams, come: Map<string, Datagrams>) => Promise<void>,
	takes: boolean,
): Promise<void> {
	await inFolder(async (folder) => {
		const resources = openResources();
		const post = `unix-seqpacket:${folder}/post` as const;
		const peer = await datagrams("udp://127.0.0.1:0");
		const session = await datagrams(undefined, { connect: peer.address });
		const first = await takeOver(post, { sockets: {} });
		await first.ready();
		const connections = () => [{ connection: session, state: () => "the peer" }];
		const offer = first.offer({ connections, moveMs: 300 });
		const come = new Map<string, Datagrams>();
		const onDatagrams = (socket: Datagrams, state: Uint8Array): void => {
			come.set(String(state), socket);
		};
		const taking = takes ? { onDatagrams } : {};
		const pending = session.receive().catch(({ code }: { code: string }) => code);
		const second = await takeOver(post, { sockets: {}, ...taking });
		await second.ready();
		await offer;
		await second.received;
		await body(session, peer, come);
		for (const each of [session, ...come.values(), peer]) await each.close();
		assert.equal(await pending, "ERR_CLOSED");
		await Promise.all([first.close(), second.close()]);
		await assertNoLeaks(resources);
	});
}

test("an idle socket goes over with its port and its peer, and what waits in the kernel", async () => {
	await withSession(async (session, peer, come) => {
		const { address } = session;
		assert.ok(session.closed);
		const heir = come.get("the peer");
		assert.deepEqual([heir?.address, heir?.peer], [address, peer.address]);
		await peer.send("hello", address);
		assert.equal(String((await heir?.receive(PATIENT))?.data), "hello");
	}, true);
});

test("it stays where it is when the new process takes none", async () => {
	await withSession(async (session, _, come) => {
		assert.deepEqual([session.closed, come.size], [false, 0]);
	}, false);
});

test("what a relay tells of a session is read as it was written, and nothing else is", () => {
	const peer: Address = { transport: "udp", host: "fe80::1%eth0", port: 53 };
	const route = "udp://*:53=udp://[::1]:5353";
	assert.deepEqual(decodeSession(Buffer.from(encodeSession({ peer, route }))), { peer, route });
	for (const wrong of ["", "{}", '{"peer":1}', '{"peer":"nobody"}', "null"]) {
		assert.equal(decodeSession(Buffer.from(wrong)), undefined, wrong);
	}
});
