import assert from "node:assert/strict";
import { test } from "node:test";
import { type Advice, advise } from "#src/cli/compare/advice.ts";
import { bestRows, type Row } from "#src/cli/compare/rows.ts";
import { ALL_ROWS, inventRow } from "./sample-report.ts";

const SAME_MACHINE = /stay on one machine/;

test("a Unix stream is recommended when it is ahead of TCP beyond the noise", () => {
	const advice = find(
		[inventRow("unix", { p50Us: 14 }), inventRow("tcp", { p50Us: 28 })],
		SAME_MACHINE,
	);
	assert.equal(advice.use, "Unix stream");
	assert.match(advice.why, /14\.0 us, TCP 28\.0 us: 2\.0 times as fast/);
	assert.match(advice.why, /1,000 of them a second is 1\.4 % of the time/);
});

test("no winner is named inside the noise", () => {
	const rows = [
		inventRow("unix", { p50Us: 20, noise: 0.3 }),
		inventRow("tcp", { p50Us: 26, noise: 0.3 }),
	];
	const advice = find(rows, SAME_MACHINE);
	assert.match(advice.use, /as you like/);
	assert.match(advice.why, /no difference beyond the noise/);
	assert.doesNotMatch(advice.why, /times as fast|saves/);
	for (const { use, why } of advise(rows, { isRemote: false })) {
		assert.doesNotMatch(`${use} ${why}`, /times as fast|ahead/);
	}
});

test("TCP is recommended where it is ahead: the figures decide", () => {
	const advice = find(
		[inventRow("unix", { p50Us: 30 }), inventRow("tcp", { p50Us: 20 })],
		SAME_MACHINE,
	);
	assert.equal(advice.use, "TCP");
});

test("the best of a figure are all that cannot be told from it, and never a pipe", () => {
	const rows = [
		inventRow("unix", { p50Us: 20 }),
		inventRow("unix-dgram", { p50Us: 20.3 }),
		inventRow("tcp", { p50Us: 30 }),
		inventRow("pipe", { p50Us: 10 }),
	];
	assert.deepEqual(
		bestRows(rows, "p50Us").map(({ kind }) => kind),
		["unix", "unix-dgram"],
	);
});

test("loss is told as it was measured, and UDP is not praised for speed that it lacks", () => {
	const rows = [inventRow("udp", { p50Us: 20, lost: 0.4 }), inventRow("tcp", { p50Us: 20 })];
	const advice = find(rows, /latest message/);
	assert.match(advice.why, /up to 40 % were lost/);
	assert.match(advice.why, /no difference beyond the noise against TCP/);
	const slower = find([inventRow("udp", { p50Us: 40 }), inventRow("tcp", { p50Us: 20 })], /latest/);
	assert.match(slower.why, /no shorter than by TCP/);
	assert.match(slower.why, /Nothing was lost here/);
});

test("bulk data names all that are equally good, or any of them", () => {
	const equal = [inventRow("unix"), inventRow("tcp")];
	assert.equal(find(equal, /Much data/).use, "Any of them");
	const ahead = [inventRow("unix", { largeBytesPerSecond: 8e9 }), inventRow("tcp")];
	assert.equal(find(ahead, /Much data/).use, "Unix stream");
});

test("advice is given only about kinds that were measured", () => {
	assert.deepEqual(advise([], { isRemote: false }), []);
	const [only, ...more] = advise([inventRow("udp")], { isRemote: false });
	assert.equal(only?.use, "UDP");
	assert.deepEqual(more, []);
});

test("across a network nothing is said about one machine", () => {
	const advice = advise(ALL_ROWS, { isRemote: true });
	assert.ok(advice.length > 0);
	assert.deepEqual(
		advice.filter(({ when }) => /one machine/.test(when)),
		[],
	);
});

function find(rows: readonly Row[], when: RegExp): Advice {
	const found = advise(rows, { isRemote: false }).find((each) => when.test(each.when));
	assert.ok(found, `no advice for ${when}`);
	return found;
}
