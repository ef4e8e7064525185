// Holds: no public name or signature changes unseen; api/*.txt are what the package promises, one line each.
//
//   node tools/api.mjs            compare
//   node tools/api.mjs --update   rewrite

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { basesOf, exportsOf, split } from "./declarations.mjs";
import { ROOT } from "./run.mjs";

/** Differences of one entry point that are printed. */
const SHOWN_MAX = 20;

const update = process.argv.includes("--update");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
let changed = 0;

for (const [entry, target] of Object.entries(manifest.exports)) {
	if (typeof target === "string") {
		continue;
	}
	const types = join(ROOT, target.types);
	if (!existsSync(types)) {
		console.log(`${entry}: not built, no public names`);
		continue;
	}
	const names = exportsOf(types);
	const published = new Set([...names.values()].flat());
	const lines = [...names].flatMap(([name, texts]) =>
		texts.flatMap((t) => linesOf(name, t, published)),
	);
	compare(entry === "." ? "index" : entry.slice(2), lines.sort(byName));
}

if (changed > 0) {
	console.error(
		"the public API differs from api/*.txt: take it back, or accept it by `node tools/api.mjs --update`",
	);
	process.exitCode = 1;
}

/**
 * The lines of one declaration: one, or for a class or an interface also one per member. Bases that have no lines of their own, since they
 * are not exported, lend their members.
 *
 * @param {string} name
 * @param {string} text
 * @param {Set<string>} published declarations with lines of their own
 * @returns {string[]}
 */
function linesOf(name, text, published) {
	const shape = /^((?:abstract )?(class|interface) [^{]*?)\s*\{(.*)\}$/s.exec(text);
	if (!shape) {
		return [text];
	}
	const members = membersOf(shape[3] ?? "");
	for (const each of lentTo(text, published)) {
		if (!members.some((member) => nameOf(member) === nameOf(each))) {
			members.push(each);
		}
	}
	return [shape[1] ?? "", ...members.map((member) => `${shape[2]} ${name}: ${member}`)];
}

/**
 * @param {string} text of a declaration
 * @param {Set<string>} published
 * @returns {string[]} members of all its bases that are not published, those of the nearest first
 */
function lentTo(text, published) {
	return basesOf(text)
		.filter((base) => !published.has(base))
		.flatMap((base) => {
			const body = base.slice(base.indexOf("{") + 1, base.lastIndexOf("}"));
			const own = membersOf(body).filter((each) => !/^(protected |constructor)/.test(each));
			return [...own, ...lentTo(base, published)];
		});
}

/** @param {string} body of a class or an interface */
function membersOf(body) {
	return split(body).filter((member) => !/^(private |#)/.test(member));
}

/** @param {string} member without its modifiers and its type */
function nameOf(member) {
	const plain = member.replace(/^((static|readonly|protected|abstract|get|set) )+/, "");
	return /^(\[[^\]]*\]|[\w$]+)/.exec(plain)?.[0];
}

/** @param {string} a @param {string} b */
function byName(a, b) {
	return a < b ? -1 : 1;
}

/**
 * @param {string} entry
 * @param {readonly string[]} lines
 */
function compare(entry, lines) {
	const path = join(ROOT, "api", `${entry}.txt`);
	const before = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
	if (update) {
		mkdirSync(join(ROOT, "api"), { recursive: true });
		writeFileSync(path, `${lines.join("\n")}\n`);
		return;
	}
	const differences = [
		...before.filter((line) => !lines.includes(line)).map((line) => `- ${line}`),
		...lines.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
	];
	for (const difference of differences.slice(0, SHOWN_MAX)) {
		console.error(`api/${entry}.txt: ${difference}`);
	}
	if (differences.length > SHOWN_MAX) {
		console.error(`api/${entry}.txt: and ${differences.length - SHOWN_MAX} more`);
	}
	changed += differences.length;
}
