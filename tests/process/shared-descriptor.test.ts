/** A descriptor that another process uses too, which may rely on calls that wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { F_GETFL, F_SETFL, O_NONBLOCK, sys } from "socketry/sys";
import type { Descriptor } from "#src/socket/descriptor.ts";
import { connectedStreams } from "../support/pairs.ts";

test("a descriptor that was made to wait stays so, however many events come", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	const { fd } = client.socket;
	sys.fcntl(fd, F_SETFL, sys.fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	for (let i = 0; i < 20; i++) {
		const reading = client.read();
		await server.write("x");
		assert.equal(String(await reading), "x");
		assert.equal(sys.fcntl(fd, F_GETFL) & O_NONBLOCK, 0, `after ${i + 1} events`);
	}
	client.abort();
	server.abort();
});

test("a descriptor that rests has no events, and has them again once somebody waits", async (t) => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	const reading = client.read();
	await server.write("x");
	assert.equal(String(await reading), "x");
	const { descriptor } = client.socket as unknown as { descriptor: Descriptor };
	descriptor.rest();
	const notified = t.mock.method(descriptor, "notify");
	await server.write("y");
	await server.flush();
	for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
	assert.equal(notified.mock.callCount(), 0);
	assert.equal(String(await client.read()), "y");
	const last = client.read();
	await server.write("z");
	assert.equal(String(await last), "z");
	assert.ok(notified.mock.callCount() > 0);
	client.abort();
	server.abort();
});
