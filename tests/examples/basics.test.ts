import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runChild } from "../support/children.ts";
import { example } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";

/** What each program prints. */
const OUTPUT: Readonly<Record<string, RegExp>> = {
	"busy-polling": /^200 round trips, \d+\.\d us each\n$/,
	cancel: /^ERR_TIMEOUT 0\nABORT_ERR changed my mind\n0123456789\n$/,
	datagrams: /^question whole\nanswer\n100 in batches\n$/,
	inherited: /^served by another process, tcp\n$/,
	"length-prefixed": /^one\ntwo\nthree\n$/,
	names: /^true\nECONNREFUSED 127\.0\.0\.2\nECONNREFUSED 127\.0\.0\.3\n$/,
	options: /^60 true\nESTABLISHED true true\n1\nTCP_USER_TIMEOUT: ms, any kernel, tcp\(7\)\n$/,
	packets: /^5 bytes\n0 bytes\n5 bytes\nback: "first"\nback: ""\nback: "third"\n$/,
	passing: /^take this\nfile\nstream\nover the passed one\n$/,
	"socket-file": /^EADDRINUSE\n600\nfalse\n$/,
	stream: /^many small writes leave together\n$/,
};

for (const [name, expected] of Object.entries(OUTPUT)) {
	test(`the basic example ${name} works as it says`, async () => {
		const args = name === "busy-polling" ? ["200"] : [];
		const { code, stdout, stderr } = await runChild(example(`basics/${name}.ts`), { args });
		assert.equal(stderr, "");
		assert.match(stdout, expected);
		assert.equal(code, 0);
	});
}

test("every basic example is tested", () => {
	const files = readdirSync(join(ROOT, "examples/basics")).map((file) => file.slice(0, -3));
	assert.deepEqual(files.toSorted(), Object.keys(OUTPUT).toSorted());
});
