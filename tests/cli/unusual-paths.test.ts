import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { inFolder } from "../support/folder.ts";
import { ours, PROGRAM, start, startOurs } from "./talk.ts";

const NAMES = [
	"line\nfeed",
	"a space",
	"tab\t",
	"\x1b[31mred",
	"ü\ufffd",
	"-x",
	"a=b",
	"a:80",
	"%00",
];

for (const name of NAMES) {
	test(`the path ${JSON.stringify(name)} is taken as it is`, async () => {
		await inFolder(async (folder) => {
			const path = `${folder}/${name}`;
			const server = startOurs(["listen", path, "--once", "--echo"]);
			await server.said(/listening/);
			assert.deepEqual(readdirSync(folder), [name]);
			const { code, stdout } = await ours(["connect", `unix:${path}`], "word");
			assert.deepEqual([code, stdout.toString()], [0, "word"]);
			assert.equal((await server.ended).code, 0);
			assert.deepEqual(readdirSync(folder), []);
		});
	});
}

test("a path that is no UTF-8 is refused, because it would become another", async () => {
	await inFolder(async (folder) => {
		const script = `exec "$@" "$(printf '${folder}/\\377')"`;
		const { code, stderr } = await start(["sh", "-c", script, "sh", ...PROGRAM, "listen"], "none")
			.ended;
		assert.equal(code, 2);
		assert.match(stderr, /not valid UTF-8/);
		assert.deepEqual(readdirSync(folder), []);
	});
});
