import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../support/root.ts";

const run = promisify(execFile);

const OUTPUT = {
	descriptor: "by number\n",
	tcp: "hello\n",
	"tcp-blocking": "hello\n",
	udp: "ping\n",
	"udp-blocking": "ping\n",
	unix: "hello\ntrue\n",
	"unix-blocking": "one\ntwo\n",
};

for (const [name, expected] of Object.entries(OUTPUT)) {
	test(`the textbook's ${name} works literally`, async () => {
		const file = join(ROOT, ".build/examples/textbook", `${name}.js`);
		const { stdout, stderr } = await run(process.execPath, [file], { timeout: 100_000 });
		assert.equal(stdout, expected);
		assert.equal(stderr, "");
	});
}
