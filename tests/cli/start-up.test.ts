/** Each command loads what it uses, and no more: that is what starting takes its time for. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inFolder } from "../support/folder.ts";
import { runProgram } from "./program.ts";

/** Command lines that end by themselves, and the parts of the library that they load: folders of src, and the rest as `socketry`. */
const LOADED: Readonly<Record<string, readonly string[]>> = {
	"--help": [],
	"--version": [],
	"connect --help": [],
	"relay --help": [],
	"compare --help": [],
	"completion bash": [],
	"completion --words fish -- socketry connect -": [],
	"connect 127.0.0.1:1": ["frame", "proxy", "socketry"],
	"wait 127.0.0.1:1 --timeout 1ms": ["socketry"],
	"ping 127.0.0.1:1 --count 1": ["socketry"],
	"listen 0 --timeout 1ms": ["frame", "socketry"],
	"notify --ready": ["socketry", "systemd"],
	"ls --port 1": ["list", "socketry"],
};
const FILES_MAX = 32;

describe("what is loaded by", () => {
	for (const [line, parts] of Object.entries(LOADED)) {
		test(`socketry ${line}`, async () => {
			const files = await filesLoadedBy(line.split(" "));
			const bundles = files.flatMap((file) => /^bundle\/(.*)\.js$/.exec(file)?.[1] ?? []);
			assert.deepEqual(bundles.sort(), parts);
			assert.ok(files.length <= FILES_MAX, `${files.length} files`);
		});
	}
});

/** Files of dist, of which V8 keeps an account. */
async function filesLoadedBy(args: readonly string[]): Promise<string[]> {
	return await inFolder(async (folder) => {
		await runProgram(args, { env: { NODE_V8_COVERAGE: folder, NOTIFY_SOCKET: "" } });
		const accounts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
		const files = accounts.join("").matchAll(/"file:[^"]*\/dist\/([^"]+\.js)"/g);
		return [...new Set([...files].map(([, file]) => file as string))];
	});
}
