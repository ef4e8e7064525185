import assert from "node:assert/strict";
import { test } from "node:test";
import { socketpair } from "socketry";
import { sys } from "socketry/sys";
import { injectFaults } from "socketry/testing";

const EBADF = -9;
const memory = new Uint8Array(8);

/** A call that does nothing but answer EBADF. */
function recv(): number {
	return sys.recv(-1, memory, 0, 8, 0);
}

test("the call that was planned fails, and the real ones are back afterwards", () => {
	const before = sys.recv;
	const faults = injectFaults([{ call: "recv", nth: 2, fail: "ECONNRESET" }]);
	assert.deepEqual([recv(), recv(), recv()], [EBADF, -104, EBADF]);
	assert.equal(faults.hits, 1);
	assert.equal(faults.calls.get("recv"), 3);
	faults.assertAllHit();
	faults.restore();
	faults.restore();
	assert.equal(sys.recv, before);
});

test("several calls in a row, and all of them, can fail", () => {
	{
		using _ = injectFaults([{ call: "recv", fail: "EAGAIN", times: 2 }]);
		assert.deepEqual([recv(), recv(), recv()], [-11, -11, EBADF]);
	}
	using _ = injectFaults([{ call: "recv", fail: "ENOTSUP", times: Number.POSITIVE_INFINITY }]);
	assert.deepEqual([recv(), recv(), recv()], [-95, -95, -95]);
});

test("faults of one call follow each other, and those of a descriptor leave the others alone", () => {
	using _ = injectFaults([
		{ call: "recv", fail: "EINTR" },
		{ call: "recv", nth: 2, fail: "ETOOMANYREFS" },
	]);
	assert.deepEqual([recv(), recv(), recv()], [-4, -109, EBADF]);
	const other = injectFaults([{ call: "recv", fail: "EPROTO", fd: 5 }]);
	assert.equal(recv(), EBADF);
	other.restore();
});

test("a fault that hit nothing is complained about, with the seed", () => {
	const faults = injectFaults([{ call: "send", nth: 3, fail: "EPIPE" }], 7);
	assert.throws(() => faults.assertAllHit(), {
		message: "no call was hit by send: EPIPE at call 3 (seed 7; made: 0 of send)",
	});
	assert.throws(() => faults[Symbol.dispose](), /seed 7/);
	assert.equal(injectFaults([], 7).seed, 7);
});

test("a random call is the same one for the same seed", () => {
	const chosen = [1, 1, 2, 3, 4, 5, 6].map((seed) => {
		using _ = injectFaults([{ call: "recv", within: 20, fail: "EIO" }], seed);
		return Array.from({ length: 20 }, recv).indexOf(-5);
	});
	assert.ok(chosen.every((index) => index >= 0));
	assert.equal(chosen[0], chosen[1]);
	assert.ok(new Set(chosen).size > 2);
});

test("short calls are made, for fewer bytes", async () => {
	const [left, right] = socketpair();
	{
		using faults = injectFaults([
			{ call: "send", short: 3, times: Number.POSITIVE_INFINITY },
			{ call: "recv", short: 2, times: Number.POSITIVE_INFINITY },
		]);
		await left.write("0123456789");
		await left.flush();
		assert.ok((faults.calls.get("send") ?? 0) >= 4);
		assert.equal(String(await right.readExactly(10)), "0123456789");
		assert.ok((faults.calls.get("recv") ?? 0) >= 5);
	}
	using _ = injectFaults([{ call: "sendmsg", short: 5 }]);
	assert.ok(
		sys.sendmsg(left.socket.fd, [Buffer.from("abc"), Buffer.from("defg")], null, null, 0) <= 5,
	);
	left.abort();
	right.abort();
});

test("close is made although it fails, so that nothing leaks", () => {
	const fd = sys.socket(1, 1, 0);
	using _ = injectFaults([{ call: "close", fail: "EIO" }]);
	assert.equal(sys.close(fd), -5);
	assert.equal(sys.fcntl(fd, 1), EBADF);
});

test("plans that make no sense are refused", () => {
	for (const fault of [
		{ call: "recv" },
		{ call: "recv", fail: "EIO", short: 1 },
		{ call: "recv", fail: "ENOSUCHERROR" },
		{ call: "bind", short: 1 },
	] as const) {
		assert.throws(() => injectFaults([fault]), { code: "ERR_INVALID_ARG_VALUE" });
	}
	assert.throws(() => injectFaults([{ call: "recv", fail: "EIO", nth: 0 }]), {
		code: "ERR_OUT_OF_RANGE",
	});
});
