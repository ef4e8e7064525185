import assert from "node:assert/strict";
import { test } from "node:test";
import { listen, type Stream } from "socketry";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT } from "../support/patience.ts";

const BYTES = 24 * 1024 * 1024;

test("blocking calls move every byte once under a rain of signals", async () => {
	const abstract = abstractName();
	const listener = await listen({ transport: "unix", abstract });
	const child = startChild(new URL("./interrupts.child.js", import.meta.url), {
		args: [abstract, `${BYTES}`],
	});
	assert.equal(await child.line(), "ready");
	let over = false;
	void child.ended.then(() => {
		over = true;
	});
	const raining = (async () => {
		while (!over) {
			child.process.kill("SIGUSR1");
			await new Promise((resolve) => setImmediate(resolve));
		}
	})();
	const stream: Stream = await listener.accept(PATIENT);
	for await (const chunk of stream) await stream.write(chunk);
	await stream.close();
	const { code, stdout, stderr } = await child.ended;
	await raining;
	assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "ready\nequal\n", stderr: "" });
	assert.equal(stream.bytesRead, BYTES);
	listener.close();
});
