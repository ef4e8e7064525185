import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect } from "socketry";
import { faultControl } from "socketry/fault";
import { assertNoLeaks, openResources } from "socketry/testing";

const before = openResources();
after(() => assertNoLeaks(before));

test("a proxy that is being made while the interface closes is closed with it", async () => {
	const control = await faultControl("tcp://127.0.0.1:0");
	// The name has to be looked up, which takes longer than the interface to close.
	const made = control.addProxy("late", "localhost:0", "127.0.0.1:1");
	await control.close();
	const { address } = await made;
	await assert.rejects(connect(address), { code: "ECONNREFUSED" });
});

test("a closed interface makes no proxies", async () => {
	const control = await faultControl("tcp://127.0.0.1:0");
	await control.close();
	await assert.rejects(control.addProxy("late", "127.0.0.1:0", "127.0.0.1:1"), {
		code: "ERR_CLOSED",
	});
});
