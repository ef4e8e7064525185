import assert from "node:assert/strict";
import { test } from "node:test";
import { supports } from "socketry";
import { socket } from "socketry/socket";

test("supports() agrees with what can be opened", () => {
	assert.equal(supports("addon"), true);
	assert.equal(supports("unix-seqpacket"), true);
	for (const [feature, family] of [
		["ipv6", "inet6"],
		["vsock", "vsock"],
	] as const) {
		let opens = true;
		try {
			socket(family, "stream").close();
		} catch {
			opens = false;
		}
		assert.equal(supports(feature), opens, feature);
	}
});

test("supports() knows the options of this kernel, and remembers", () => {
	assert.equal(supports("SO_RCVBUF"), true);
	assert.equal(supports("TCP_INFO"), true);
	assert.equal(supports("SO_PEERCRED"), true);
	assert.equal(supports("SO_RCVBUF"), true);
});

test("supports() refuses what it does not know, and options that cannot be asked for", () => {
	assert.throws(() => supports("SO_NONSENSE" as "SO_RCVBUF"), { code: "ERR_INVALID_ARG_VALUE" });
	assert.throws(() => supports("SO_SNDBUFFORCE"), { code: "ERR_INVALID_ARG_VALUE" });
	assert.throws(() => supports("constructor" as "SO_RCVBUF"), { code: "ERR_INVALID_ARG_VALUE" });
});
