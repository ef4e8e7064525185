/**
 * Every code that the library gives by itself, and every one it has a hint for, has a section in
 * docs/errors.md.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/root.ts";
import { readTree, withoutComments } from "../support/source-tree.ts";

const documented = readFileSync(join(ROOT, "docs", "errors.md"), "utf8")
	.split("\n")
	.filter((line) => line.startsWith("### "))
	.map((line) => line.slice(4));
const sources = readTree("src").map((file) => ({ ...file, text: withoutComments(file.text) }));

test("every code of the library has a section in docs/errors.md", () => {
	// The command line also knows codes that Node's own parser of arguments gives.
	const codes = codesIn(/\b(?:ERR_[A-Z_]+|ABORT_ERR)\b/g, (path) => !path.startsWith("cli/"));
	assert.ok(codes.size >= 12);
	assert.deepEqual(undocumented(codes), []);
});

test("every code of the system that a hint is for has a section in docs/errors.md", () => {
	const codes = codesIn(/^\t(?:"[a-z0-9]+ )?(E[A-Z0-9]+)\b/gm, (path) => path === "error-hints.ts");
	assert.ok(codes.size >= 40);
	assert.deepEqual(undocumented(codes), []);
});

test("no code has two sections, and each section says what to do", () => {
	assert.equal(new Set(documented).size, documented.length);
	const text = readFileSync(join(ROOT, "docs", "errors.md"), "utf8");
	const sections = text.split("\n### ").slice(1);
	const silent = sections.filter(
		(section) => !section.includes("\nUsual reasons:\n") || !section.includes("\nWhat to do: "),
	);
	assert.deepEqual(silent, []);
});

function codesIn(pattern: RegExp, where: (path: string) => boolean): Set<string> {
	const found = sources
		.filter(({ path }) => where(path))
		.flatMap(({ text }) => [...text.matchAll(pattern)]);
	return new Set(found.map(([whole, code]) => code ?? whole));
}

function undocumented(codes: ReadonlySet<string>): string[] {
	return [...codes].filter((code) => !documented.includes(code)).toSorted();
}
