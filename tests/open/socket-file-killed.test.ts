/** Owners that are killed in the middle of things; SOCKETRY_RACES / 5 says how often. */
import assert from "node:assert/strict";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { randomSource } from "#src/random.ts";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";

const KILLS = Math.ceil(Number(process.env["SOCKETRY_RACES"] ?? 200) / 5);
const AT_ONCE = 4;
const WAIT_US_MAX = 12_000;
const OWNER = new URL("./mortal.child.js", import.meta.url);
const POLICIES = ["replace-dead", "replace"] as const;

test(`after each of ${KILLS} owners that were killed the next one starts, and nothing stays behind`, async (t) => {
	const random = randomSource();
	t.diagnostic(`seed ${random.seed}`);
	const found = new Set<string>();
	const killOne = async (number: number): Promise<void> => {
		await inFolder(async (folder) => {
			// A server that is about to listen under the same last name, wherever, would leave it in doubt whether this one is dead.
			const name = `killed-${process.pid}-${number}`;
			const path = join(folder, name);
			const child = startChild(OWNER, { args: [path] });
			assert.equal(await child.line(), "ready");
			const until = performance.now() + random.below(WAIT_US_MAX) / 1_000;
			while (performance.now() < until);
			child.process.kill("SIGKILL");
			await child.ended;
			for (const left of readdirSync(folder)) found.add(left.replace(name, "NAME"));
			const onStale = POLICIES[number % 2] as (typeof POLICIES)[number];
			const listener = await listen(`unix:${path}`, { onStale, mode: 0o600 });
			assert.equal(lstatSync(path).mode & 0o777, 0o600);
			const client = await connect(`unix:${path}`);
			await (await listener.accept()).close();
			await client.close();
			listener.close();
			assert.deepEqual(readdirSync(folder), [], `kill ${number}`);
		});
	};
	for (let i = 0; i < KILLS; i += AT_ONCE) {
		await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => killOne(i + j)));
	}
	t.diagnostic(`left by the killed: ${[...found].join(", ")}`);
});
