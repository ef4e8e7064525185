/** Descriptors that pass through a relay. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { socketpair } from "socketry";
import { relay } from "socketry/relay";

test("descriptors are passed on where it is asked for", async () => {
	const options = { receiveDescriptors: true };
	const [client, left] = socketpair("stream", options);
	const [server, right] = socketpair("stream", options);
	const running = relay(left, right, { passDescriptors: true });
	const [mine, theirs] = socketpair();
	await client.write("here", { descriptors: [theirs] });
	await theirs.close();
	assert.equal(String(await server.readExactly(4)), "here");
	const [arrival] = server.takeDescriptors();
	assert.equal(arrival?.descriptors[0]?.kind, "stream");
	arrival?.descriptors[0]?.close();
	assert.equal(await mine.read(), null);
	await mine.close();
	await Promise.all([client.close(), server.close(), running.done]);
});

test("descriptors that cannot be passed on cut the relay, and none stays open", async () => {
	const options = { receiveDescriptors: 200 };
	const [client, left] = socketpair("stream", options);
	const [server, right] = socketpair("stream", options);
	const [mine, theirs] = socketpair();
	for (const line of ["one\n", "two\n"]) {
		await client.write(line, { descriptors: Array(200).fill(theirs) });
		await left.readUntil("\n");
	}
	await theirs.close();
	await client.write("x");
	const running = relay(left, right, { passDescriptors: true });
	const { isCut, leftToRight } = await running.done;
	assert.equal(isCut, true);
	assert.equal((leftToRight.error as { code?: string }).code, "ERR_LIMIT");
	assert.equal(await mine.read(), null);
	for (const each of [client, server, mine]) each.abort();
});
