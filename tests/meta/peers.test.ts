/** The list of the programs that ours are tested with. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../support/root.ts";
import { readTree } from "../support/source-tree.ts";

// Every Debian has them.
const ESSENTIAL: readonly string[] = ["sh", "head"];

test("every program that a test needs is on the list by which CI installs", async () => {
	const { PEERS } = (await import(pathToFileURL(join(ROOT, "tools/peers.mjs")).href)) as {
		readonly PEERS: Readonly<Record<string, readonly [string, string]>>;
	};
	const asked = readTree("tests").flatMap(({ path, text }) =>
		[...text.matchAll(/\blacking\(([^)]*)\)|\bstartPeer\(("[^"]*")/g)].flatMap(([, names, name]) =>
			[...(names ?? name ?? "").matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ path, name })),
		),
	);
	assert.ok(asked.length > 50);
	const unknown = asked.filter(({ name }) => !(name in PEERS) && !ESSENTIAL.includes(name));
	assert.deepEqual(unknown, []);
});
