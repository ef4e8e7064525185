/** When a read that waits learns that it was in vain: before whoever closed the stream goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Stream, socketpair } from "socketry";

const ENDS: Readonly<Record<string, (stream: Stream) => unknown>> = {
	"close()": (stream) => stream.close(),
	"await using": (stream) => stream[Symbol.asyncDispose](),
	"abort()": (stream) => stream.abort(),
	"close() of its socket": (stream) => stream.socket.close(),
};

for (const [name, end] of Object.entries(ENDS)) {
	test(`a read that waits has rejected once ${name} is over`, async () => {
		const [left, right] = socketpair();
		let reason: unknown;
		left.read().catch((error) => {
			reason = error;
		});
		await end(left);
		assert.equal((reason as Error | undefined)?.name, "ClosedError");
		left.abort();
		right.abort();
	});
}

test("a read that waits has rejected one turn of microtasks after its signal, with the reason of that", async () => {
	const [left, right] = socketpair();
	const controller = new AbortController();
	const cause = new Error("enough");
	let reason: unknown;
	left.read({ signal: controller.signal }).catch((error) => {
		reason = error;
	});
	controller.abort(cause);
	await Promise.resolve();
	assert.equal((reason as Error | undefined)?.name, "AbortError");
	assert.equal((reason as Error).cause, cause);
	left.abort();
	right.abort();
});
