/** hot-shots over a Unix datagram socket: our example receives, and stands in for the package that hot-shots would have compiled. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Ended, runChild, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { example, lineLike, stop } from "../support/programs.ts";

const STAND_IN = fileURLToPath(example("statsd/unix-dgram.ts"));

/** What hot-shots gets when it asks for unix-dgram, and how many metrics it sends: the package has it wait 100 ms whenever a queue of ten is full. */
const PACKAGES = [
	["our stand-in for unix-dgram, with nothing compiled", STAND_IN, 2_000],
	["unix-dgram itself", "unix-dgram", 200],
] as const;

/** npm has its source only, unless somebody let it compile. */
function lackingPackage(name: string): string | false {
	try {
		if (name === "unix-dgram") createRequire(import.meta.url)(name);
		return false;
	} catch {
		return "unix-dgram is not compiled: npm rebuild --ignore-scripts=false unix-dgram";
	}
}

async function runClient(
	folder: string,
	name: string,
	path: string,
	count: number,
): Promise<Ended> {
	// In a program of one's own this is an override in package.json.
	const override = join(folder, "override.cjs");
	const lines = [
		`const Module = require("node:module");`,
		`const resolve = Module._resolveFilename;`,
		`Module._resolveFilename = function (name, ...rest) {`,
		`	return resolve.call(this, name === "unix-dgram" ? ${JSON.stringify(name)} : name, ...rest);`,
		`};`,
	];
	writeFileSync(override, lines.join("\n"));
	return await runChild(new URL("./hot-shots.child.js", import.meta.url), {
		args: [path, String(count)],
		// Node 20 warns of an ES module that is required.
		flags: [`--require=${override}`, "--disable-warning=ExperimentalWarning"],
	});
}

for (const [title, name, count] of PACKAGES) {
	const skip = lackingPackage(name);

	test(`our receiver gets all metrics of hot-shots by ${title}`, { skip }, async () => {
		await inFolder(async (folder) => {
			const path = join(folder, "statsd");
			const receiver = startChild(example("statsd/receive.ts"), { args: [`unix-dgram:${path}`] });
			await lineLike(receiver, /^receiving on unix-dgram:/);
			const client = await runClient(folder, name, path, count);
			assert.equal(client.stderr, "");
			assert.deepEqual(JSON.parse(client.stdout), { sent: count, failed: 0 });
			const [, json = ""] = (await stop(receiver)).split("\n");
			assert.deepEqual(JSON.parse(json), {
				metrics: { "test.requests": { type: "c", count, value: count * 2 } },
				malformed: 0,
				missed: 0,
			});
		});
	});
}

test("hot-shots is told in Node's way that nobody receives", async () => {
	await inFolder(async (folder) => {
		const { stderr } = await runClient(folder, STAND_IN, join(folder, "nobody"), 1);
		assert.match(stderr, /connect ENOENT/);
	});
});
