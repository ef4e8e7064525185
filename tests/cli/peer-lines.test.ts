/** Lines of a relay about its peers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "socketry";
import { PeerLines } from "#src/cli/relay/peer-lines.ts";

test("as many lines a second are said as may be, and the others counted", (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const said: string[] = [];
	const lines = new PeerLines((text) => said.push(text));
	for (let i = 0; i < LIMITS.relayLinesCount + 5; i++) lines.say(`${i}`);
	assert.deepEqual([said.length, said.at(-1)], [20, "19"]);
	t.mock.timers.tick(1_000);
	assert.match(said.pop() ?? "", /^and 5 more lines/);
	lines.say("the next second");
	assert.equal(said.at(-1), "the next second");
	t.mock.timers.tick(1_000);
	assert.equal(said.length, 21);
});

test("what was left out is told at the end too", (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const said: string[] = [];
	const lines = new PeerLines((text) => said.push(text));
	for (let i = 0; i < LIMITS.relayLinesCount + 1; i++) lines.say("x");
	lines.close();
	assert.match(said.at(-1) ?? "", /^and 1 more/);
	lines.close();
	assert.equal(said.length, 21);
});
