// Holds: docs/cli.md lists every command and option as the guides have them, so that it cannot say anything else than --help and the man pages.
//
//   node tools/options.mjs             fails when it does not
//   node tools/options.mjs --update    writes the list anew

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureOrExit } from "./ensure.mjs";
import { aboutOf, loadGuides, sentence } from "./guides.mjs";
import { ROOT } from "./run.mjs";

const PAGE = join(ROOT, "docs/cli.md");
const HEADING = "## All options";
const NOTE = "<!-- Written by tools/options.mjs from the guides of the commands. -->";

await ensureOrExit();
const all = await loadGuides();
const text = readFileSync(PAGE, "utf8");
const start = text.indexOf(`${HEADING}\n`);
const end = text.indexOf("\n## ", start + 1);
const before = start < 0 ? `${text}\n` : text.slice(0, start);
const after = start < 0 || end < 0 ? "" : text.slice(end);
const parts = all.slice(1).map(([name, , guide]) => partOf(name, guide));
const list = `${HEADING}\n\n${NOTE}\n\n${parts.join("\n")}`;
if (process.argv.includes("--update")) writeFileSync(PAGE, before + list + after);
else if (text !== before + list + after) {
	console.error(
		"docs/cli.md does not list the options as they are: node tools/options.mjs --update",
	);
	process.exitCode = 1;
}

/** @param {string} name @param {import("../src/cli/guide.ts").Guide} guide */
function partOf(name, guide) {
	const forms = guide.usage.map((form) => `${name} ${form}\n`).join("");
	const options = Object.entries(guide.options).filter(([, { isHidden }]) => !isHidden);
	const rows = options.map(([option, { short, value }]) => {
		const names = [...(short === undefined ? [] : [`-${short}`]), `--${option}`].join(", ");
		const head = value === undefined ? names : `${names} ${value}`;
		return [`\`${cell(head)}\``, cell(aboutOf(option, guide, all))];
	});
	const lines = Object.entries(guide.lines ?? {}).map(([type, { when, fields }]) => {
		return [`\`${type}\``, sentence(when), fields.map((field) => `\`${field}\``).join(", ")];
	});
	const parts = [
		`### ${name}\n\n\`\`\`\n${forms}\`\`\`\n`,
		table(["Option", "Meaning"], rows),
		table(["Line of `--json`", "Written", "Fields besides `type` and `v`"], lines),
	];
	return parts.filter((part) => part !== "").join("\n");
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
	if (rows.length === 0) return "";
	const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`);
	return lines.join("");
}

/** @param {string} text */
function cell(text) {
	return text.replaceAll("|", "\\|");
}
