// Holds: every error code has a section in docs/errors.md, ARCHITECTURE.md's map names the folders that exist, no link is dead.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow } from "./files.mjs";
import { ROOT } from "./run.mjs";

const ERROR_SOURCES = [
	"src/argument-errors.ts",
	"src/errors.ts",
	"src/socket-error.ts",
	"src/syscall-error.ts",
];
const ERROR_PAGE = "docs/errors.md";
const MAP_PAGE = "ARCHITECTURE.md";

const problems = [...undocumentedErrors(), ...wrongMap(), ...deadLinks()];
for (const problem of problems) {
	console.error(problem);
}
process.exitCode = problems.length > 0 ? 1 : 0;

/** @returns {string[]} */
function undocumentedErrors() {
	const codes = ERROR_SOURCES.flatMap((path) =>
		[...read(path).matchAll(/"(ERR_[A-Z_]+|ABORT_ERR)"/g)].map((match) => match[1] ?? ""),
	);
	if (codes.length === 0) {
		return [];
	}
	const headings = read(ERROR_PAGE).split("\n").filter(isHeading).join("\n");
	const known = new Set(headings.match(/\b[A-Z][A-Z0-9_]+\b/g));
	return [...new Set(codes)]
		.filter((code) => !known.has(code))
		.map((code) => `${ERROR_PAGE}: no heading for ${code}`);
}

/** Every folder of src and native is on the map, and every path on the map exists. @returns {string[]} */
function wrongMap() {
	const map = read(MAP_PAGE);
	const layers = foldersOf("src").map((name) => `src/${name}`);
	const folders = [
		...layers,
		...["native", "tests", "tools", "bench", "examples"].filter(isFolder),
	];
	const named = new Set(
		[...map.matchAll(/`([\w.-]+(?:\/[\w.*-]+)*)\/?`/g)].map(([, path]) => path),
	);
	const missing = folders.filter((folder) => ![...named].some((path) => path === folder));
	const gone = [...named].filter((path) => {
		return (
			/^(src|native|tests|tools|docs)\//.test(path ?? "") && !existsSync(join(ROOT, path ?? ""))
		);
	});
	return [
		...missing.map((folder) => `${MAP_PAGE}: the code map does not name \`${folder}\``),
		...gone.filter((path) => !path?.includes("*")).map((path) => `${MAP_PAGE}: no ${path}`),
	];
}

/** @returns {string[]} */
function deadLinks() {
	const pages = [
		...filesBelow("docs", /\.md$/),
		...readdirSync(ROOT).filter((n) => n.endsWith(".md")),
	];
	return pages.flatMap((page) =>
		[...read(page).matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g)]
			.map(([, target = ""]) => target)
			.filter((target) => !existsSync(join(ROOT, dirname(page), target)))
			.map((target) => `${page}: dead link to ${target}`),
	);
}

/** @param {string} line */
function isHeading(line) {
	return line.startsWith("#");
}

/** @param {string} folder @returns {string[]} */
function foldersOf(folder) {
	return isFolder(folder)
		? readdirSync(join(ROOT, folder), { withFileTypes: true })
				.filter(
					(entry) => entry.isDirectory() && filesBelow(`${folder}/${entry.name}`, /./).length > 0,
				)
				.map(({ name }) => name)
		: [];
}

/** @param {string} path */
function isFolder(path) {
	return existsSync(join(ROOT, path)) && filesBelow(path, /./).length > 0;
}

/** The text of a file, empty when there is none. @param {string} path */
function read(path) {
	return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), "utf8") : "";
}
