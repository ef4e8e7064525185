import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type Stream } from "socketry";
import { startChild } from "../support/children.ts";
import { PATIENT } from "../support/patience.ts";
import { example, stop } from "../support/programs.ts";

async function line(stream: Stream): Promise<string> {
	return String(await stream.readUntil("\n", PATIENT));
}

test("the chat tells the others, keeps control characters out, and ends who sends endless lines", async (t) => {
	const server = startChild(example("chat/server.ts"), { args: ["tcp://127.0.0.1:0"] });
	t.after(() => stop(server));
	const address = (await server.line()) as `tcp:${string}`;
	const anna = await connect(address);
	const bert = await connect(address);

	await bert.write("hello\x1b[2J\r\n");
	const { port } = bert.address;
	// Connections are accepted in their order, so that Anna is there before Bert speaks.
	assert.equal(await line(anna), `tcp://127.0.0.1:${port}: hello[2J\n`);

	await anna.write("x".repeat(600));
	assert.equal(await line(anna), "lines have at most 512 bytes\n");
	assert.equal(await anna.read(PATIENT), null);

	const carl = await connect(address);
	await carl.write("still there\n");
	assert.match(await line(bert), /still there\n$/);
	await Promise.all([anna.close(), bert.close(), carl.close()]);
});
