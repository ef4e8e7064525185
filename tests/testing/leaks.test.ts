import assert from "node:assert/strict";
import { test } from "node:test";
import { socketpair } from "socketry";
import { assertNoLeaks, findLeaks, openResources } from "socketry/testing";

test("what is left open is named, and nothing is once it is closed", async () => {
	const before = openResources();
	assert.deepEqual(findLeaks(before), []);
	const [left, right] = socketpair();
	const reading = left.read();
	const leaks = findLeaks(before);
	assert.equal(leaks.filter((leak) => /^descriptor \d+: socket:/.test(leak)).length, 2);
	assert.ok(leaks.includes("1 watches of the engine"));
	assert.ok(leaks.includes("2 descriptors owned by the engine"));
	await assert.rejects(assertNoLeaks(before, { graceMs: 1 }), /left open:\n- descriptor/);
	left.abort();
	right.abort();
	await assert.rejects(reading, { code: "ERR_CLOSED" });
	await assertNoLeaks(before);
});
