import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { LIMITS } from "socketry";
import { startProgram } from "../support/children.ts";
import { lacking, lackingRoot } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";

const MODULE = new URL("dist/relay/pipe-allowance.js", pathToFileURL(ROOT)).href;
const skip = lacking("prlimit");
const isRoot = process.geteuid?.() === 0;

/** What a process with so many descriptors is allowed. */
async function pipesWith(descriptors: number, before = ""): Promise<number> {
	const script = `import { pipesMax } from "${MODULE}"; ${before}; console.log(pipesMax());`;
	const node = [process.execPath, "--input-type=module", "-e", script];
	const command = ["prlimit", `--nofile=${descriptors}`, ...node];
	const { code, stdout, stderr } = await startProgram(command).ended;
	assert.equal(code, 0, String(stderr));
	return Number(stdout);
}

test("pipes take at most an eighth of the descriptors", { skip }, async () => {
	assert.equal(await pipesWith(160), 10);
	assert.equal(await pipesWith(64), 4);
});

test("pipes of a user take at most half of the pages that he may have", { skip }, async () => {
	const asNobody = isRoot ? "process.seteuid(65534)" : "";
	assert.equal(await pipesWith(4_096, asNobody), LIMITS.relayUserPipesCount);
	const soft = 64 << 20;
	const large = 16;
	const bytes = large * (1 << 20) + (LIMITS.relayUserPipesCount - large) * (1 << 18);
	assert.ok(bytes <= soft / 2, `${bytes} bytes`);
});

test("pipes of root are counted too", { skip: skip || lackingRoot() }, async () => {
	assert.equal(await pipesWith(20_000), LIMITS.relayPipesCount);
});
