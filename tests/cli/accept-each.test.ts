/** Serving connections side by side. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedError } from "socketry";
import { type Accepting, acceptEach } from "#src/cli/accept-each.ts";

/** What accepts these numbers, and waits then until it is closed. */
function giving(count: number): Accepting<number> & { isClosed: boolean } {
	let given = 0;
	let end: (() => void) | undefined;
	return {
		isClosed: false,
		async accept() {
			if (given < count) return given++;
			if (!this.isClosed) {
				await new Promise<void>((resolve) => {
					end = resolve;
				});
			}
			throw new ClosedError("it is closed");
		},
		close() {
			this.isClosed = true;
			end?.();
		},
	};
}

for (const wrong of ["prepare", "serve"] as const) {
	test(`a ${wrong} that rejects is told of, and keeps no place`, async () => {
		const listener = giving(3);
		const failure = new Error("a mistake");
		const fail = async (): Promise<never> => {
			throw failure;
		};
		const served: number[] = [];
		const steps = {
			prepare: async (connection: number) => connection,
			serve: async (connection: number) => void served.push(connection),
			[wrong]: fail,
		};
		await assert.rejects(acceptEach(listener, { max: 1, once: false, ...steps }), failure);
		assert.ok(listener.isClosed);
		assert.deepEqual(served, []);
	});
}
