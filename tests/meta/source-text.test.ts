import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/root.ts";

/** Every text that ships or builds the product, as [path, text]. */
const texts: [string, string][] = ["src", "native", "tests", "tools", "examples"]
	.filter((folder) => existsSync(join(ROOT, folder)))
	.flatMap((folder) =>
		readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
			.filter((name) => /\.(ts|mjs|c|h)$/.test(name))
			.map((name) => join(folder, name)),
	)
	.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]);

/** Every page for people, as [path, text]. */
const pages: [string, string][] = [".", "docs"]
	.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)))
	.filter((path) => path.endsWith(".md"))
	.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]);

test("src, native and tools are plain ASCII", () => {
	assert.deepEqual(
		linesWith(/[^\n\t\x20-\x7e]/, (path) => /^(src|native|tools)\b/.test(path)),
		[],
	);
});

test("a TODO names the condition under which it ends: TODO(when ...)", () => {
	assert.deepEqual(linesWith(/\b(TODO|FIXME|XXX)\b(?!\((when|until|if) )/, notThisFile), []);
});

test("nothing that people read has contractions: messages, comments and pages are plain English", () => {
	const contraction =
		/\b(?:(?:do|ca|wo|does|is|are|was|were|did|has|have|could|would|should)n't|(?:it|that|there|what|let)'s|(?:you|we|they)'(?:re|ve|ll)|I'm)\b/i;
	assert.deepEqual(linesWith(contraction, notThisFile), []);
	const wrong = pages.filter(([, text]) => contraction.test(text)).map(([path]) => path);
	assert.deepEqual(wrong, []);
});

test("no test is left focused, which would hide the others", () => {
	const wrong = linesWith(
		/\b(test|it|describe)\.only\(|\bonly: true\b/,
		(path) => path.startsWith("tests") && notThisFile(path),
	);
	assert.deepEqual(wrong, []);
});

function notThisFile(path: string): boolean {
	return !path.endsWith("source-text.test.ts");
}

function linesWith(pattern: RegExp, where: (path: string) => boolean): string[] {
	return texts
		.filter(([path]) => where(path))
		.flatMap(([path, text]) =>
			text.split("\n").flatMap((line, index) => {
				return pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [];
			}),
		);
}
