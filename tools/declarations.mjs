// Holds: the public names are read from the built declarations, which say what a user's compiler sees.
//
// A reader for the regular text that the compiler writes into .d.ts files; no parser of TypeScript at large.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** @typedef {Map<string, string[]>} Names each name with its declarations (several for overloads) */

/** @type {Map<string, { all: Names, exported: Names }>} */
const modules = new Map();

/** @type {Map<string, string[]>} The declarations of the bases of a class or an interface, by its own declaration. */
const bases = new Map();

/**
 * The declarations of what a class or an interface extends, as far as they are ours.
 *
 * @param {string} text of its own declaration
 * @returns {readonly string[]}
 */
export function basesOf(text) {
	return bases.get(text) ?? [];
}

/**
 * What a declaration file exports, re-exports followed.
 *
 * @param {string} path of a .d.ts file
 * @returns {Names}
 */
export function exportsOf(path) {
	return readModule(path).exported;
}

/**
 * Splits text where `separator` stands outside all brackets and strings; a closing brace also ends a statement.
 *
 * @param {string} text
 * @param {boolean} [braceEnds]
 * @returns {string[]}
 */
export function split(text, braceEnds = false) {
	const parts = [];
	let depth = 0;
	let start = 0;
	for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|`[^`]*`|=>|[{}()[\]<>;]/g)) {
		if ("{([<".includes(token)) {
			depth++;
		} else if ("})]>".includes(token)) {
			depth--;
		}
		const isBlock =
			braceEnds &&
			token === "}" &&
			/^(export )?(declare )?(abstract )?(class|interface)\b/.test(text.slice(start).trim());
		if (depth === 0 && (token === ";" || isBlock)) {
			parts.push(text.slice(start, index + (isBlock ? 1 : 0)).trim());
			start = index + 1;
		}
	}
	return [...parts, text.slice(start).trim()].filter((part) => part !== "");
}

/** @param {string} path @returns {{ all: Names, exported: Names }} */
function readModule(path) {
	const known = modules.get(path);
	if (known) {
		return known;
	}
	const module = { all: new Map(), exported: new Map() };
	modules.set(path, module);
	for (const statement of split(withoutComments(readFileSync(path, "utf8")), true)) {
		readStatement(path, module, statement.replace(/\s+/g, " "));
	}
	return module;
}

/**
 * @param {string} path
 * @param {{ all: Names, exported: Names }} module
 * @param {string} statement
 */
function readStatement(path, module, statement) {
	const list = /^(export|import)(?: type)? \{(.*)\}(?: from "(.*)")?$/.exec(statement);
	const star = /^export (?:type )?\* (?:as (\w+) )?from "(.*)"$/.exec(statement);
	if (list) {
		const from = list[3] === undefined ? module.all : foreign(path, list[3]);
		const to = list[1] === "export" ? module.exported : module.all;
		for (const item of (list[2] ?? "").split(",").filter((word) => word.trim() !== "")) {
			const [name = "", alias = name] = item
				.trim()
				.replace(/^type /, "")
				.split(" as ");
			to.set(alias, from.get(name) ?? [`${name} from ${list[3]}`]);
		}
	} else if (star?.[2] !== undefined && star[1] === undefined) {
		for (const [name, texts] of foreign(path, star[2])) {
			module.exported.set(name, texts);
		}
	} else if (star?.[1] !== undefined) {
		module.exported.set(star[1], [`namespace of ${star[2]}`]);
	} else {
		const text = statement.replace(/^export /, "").replace(/^declare /, "");
		const name = /^(?:abstract )?\w+ ([\w$]+)/.exec(text)?.[1];
		if (name !== undefined) {
			noteBases(module.all, text);
			add(module.all, name, text);
			if (statement.startsWith("export ")) {
				add(module.exported, name, text);
			}
		}
	}
}

/** @param {Names} known @param {string} text */
function noteBases(known, text) {
	let head = text.slice(0, text.indexOf("{"));
	if (!/^(abstract )?(class|interface) /.test(head)) {
		return;
	}
	for (let longer = ""; longer !== head; ) {
		longer = head;
		head = head.replace(/<[^<>]*>/g, "");
	}
	const names = / extends (.*?)(?: implements |$)/.exec(head)?.[1]?.split(",") ?? [];
	const texts = names.flatMap((name) => known.get(name.trim())?.[0] ?? []);
	bases.set(
		text,
		texts.filter((base) => /^(abstract )?(class|interface) /.test(base)),
	);
}

/** @param {Names} names @param {string} name @param {string} text */
function add(names, name, text) {
	names.set(name, [...(names.get(name) ?? []), text]);
}

/** @param {string} path @param {string} specifier @returns {Names} */
function foreign(path, specifier) {
	if (!specifier.startsWith(".")) {
		return new Map();
	}
	return exportsOf(join(dirname(path), specifier.replace(/\.(ts|js)$/, ".d.ts")));
}

/** @param {string} text */
function withoutComments(text) {
	return text.replace(/"(?:[^"\\]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/.*/g, (found) =>
		found.startsWith("/") ? "" : found,
	);
}
