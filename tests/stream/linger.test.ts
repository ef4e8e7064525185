/** The wait until a peer has everything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { untilDelivered } from "#src/stream/linger.ts";
import { sys } from "#src/sys/current.ts";
import { connectedStreams } from "../support/pairs.ts";

test("who waits for a peer that takes nothing learns that time was up, and that all has come once it does", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	const { socket } = server;
	const piece = new Uint8Array(1_000_000);
	let sent = 0;
	for (let rc = 0; rc >= 0; rc = sys.send(socket.fd, piece, 0, piece.length, 0)) sent += rc;
	assert.equal(await untilDelivered(socket, 50, undefined), false);
	const reading = client.readExactly(sent);
	assert.equal(await untilDelivered(socket, 600_000, undefined), true);
	assert.equal((await reading).length, sent);
	server.abort();
	assert.equal(await untilDelivered(socket, 600_000, undefined), true);
	client.abort();
});
