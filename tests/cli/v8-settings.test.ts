import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { startProgram } from "../support/children.ts";
import { ROOT } from "../support/root.ts";

// Many objects that stay, and how much room there is for new ones after that, in MiB.
const MANY = `
import { getHeapSpaceStatistics } from "node:v8";
const kept = [];
for (let i = 0; i < 300_000; i++) kept.push({ i, more: [i] });
const { space_size } = getHeapSpaceStatistics().find((each) => each.space_name === "new_space");
console.log(space_size / 2 ** 20, kept.length);`;

test("many objects that stay do not make the room for new ones grow", async () => {
	const module = new URL("dist/cli/relay/v8-settings.js", pathToFileURL(ROOT));
	const [small = 0, usual = 0] = await Promise.all(
		[`import { keepYoungSpaceSmall } from "${module}"; keepYoungSpaceSmall();`, ""].map(
			async (before) => {
				const command = [process.execPath, "--input-type=module", "-e", before + MANY];
				const { code, stdout, stderr } = await startProgram(command).ended;
				assert.equal(code, 0, stderr);
				return Number.parseFloat(String(stdout));
			},
		),
	);
	assert.ok(small > 0 && small * 4 <= usual, `${small} and ${usual} MiB`);
});

// What V8 calls by name before it compiles it.
const OFTEN = `
let sum = 0;
function often(i) { sum += i % 7; }
for (let i = 0; i < 5_000; i++) often(i);
console.log(sum);`;

test("what runs a few thousand times is not compiled for speed yet, and V8 knows the setting", async () => {
	const module = new URL("dist/cli/relay/v8-settings.js", pathToFileURL(ROOT));
	const [late, usual] = await Promise.all(
		[`import { compileLate } from "${module}"; compileLate();`, ""].map(async (before) => {
			const options = ["--trace-opt", "--input-type=module", "-e"];
			const command = [process.execPath, ...options, before + OFTEN];
			const { code, stdout, stderr } = await startProgram(command).ended;
			assert.deepEqual([code, String(stderr)], [0, ""]);
			return /JSFunction often.* for optimization/.test(String(stdout));
		}),
	);
	assert.deepEqual([late, usual], [false, true]);
});
