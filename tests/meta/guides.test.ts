import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CATALOG } from "#src/cli/catalog.ts";
import { readBashLine } from "#src/cli/completion/bash-line.ts";
import type { Guide } from "#src/cli/guide.ts";
import { helpOf } from "#src/cli/help.ts";
import { parseCommandLine } from "#src/cli/options.ts";
import { ROOT } from "../support/root.ts";

const guides = await Promise.all(
	Object.entries(CATALOG).map(async ([name, { load }]) => {
		return [name, (await load()).guide] as const;
	}),
);

for (const [name, guide] of guides) {
	describe(`the guide to socketry ${name}`, () => {
		const visible = Object.entries(guide.options).filter(([, { isHidden }]) => !isHidden);

		test("its help names every option", () => {
			const help = helpOf(`socketry ${name}`, guide);
			const missing = visible.filter(([option]) => !new RegExp(`--${option}\\b`).test(help));
			assert.deepEqual(missing, []);
		});

		test("every option has a text, of its own or of another command", () => {
			const without = visible.filter(([option]) => textOf(option, guide) === undefined);
			assert.deepEqual(without, []);
		});

		test("options that share a row are there", () => {
			const others = visible.flatMap(([, option]) => option.with ?? []);
			assert.deepEqual(
				others.filter((other) => guide.options[other] === undefined),
				[],
			);
		});

		test("every field of its JSON Lines has a meaning in the documentation", () => {
			const page = existsSync(pathOf(`${name}.md`)) ? `${name}.md` : "cli.md";
			// What is made from the guide tells no more than the guide.
			const [text = ""] = readFileSync(pathOf(page), "utf8").split("## All options");
			const [own = ""] = readFileSync(pathOf("cli.md"), "utf8").split("## All options");
			const fields = Object.values(guide.lines ?? {}).flatMap((line) => line.fields);
			const missing = fields.filter((field) => !`${text}${own}`.includes(`\`${field}\``));
			assert.deepEqual(missing, []);
		});

		test("its examples are understood", () => {
			for (const { run } of guide.examples) {
				const start = run.indexOf(`socketry ${name}`);
				assert.ok(start >= 0, run);
				const [text = ""] = run.slice(start).split(/ (?:\||&&) |\)/);
				const [, , ...args] = readBashLine(text, "").words;
				parseCommandLine(args, guide.options);
			}
		});
	});
}

function pathOf(page: string): string {
	return join(ROOT, "docs", page);
}

function textOf(option: string, guide: Guide): string | undefined {
	const { about, text, like } = guide.options[option] ?? {};
	if (about !== undefined || like === undefined) return about ?? text;
	const other = guides.find(([name]) => name === like)?.[1];
	return other && textOf(option, other);
}
