// Holds: whoever writes texts from the guides of the commands gets them from the built package, the program first.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow } from "./files.mjs";
import { ROOT } from "./run.mjs";

/** @typedef {import("../src/cli/guide.ts").Guide} Guide */
/** @typedef {readonly (readonly [name: string, summary: string, guide: Guide])[]} Guides */

/** The files that they come from. */
export function guideFiles() {
	return filesBelow("dist/cli", /\/(catalog|overview|guide)\.js$/);
}

/** @returns {Promise<Guides>} */
export async function loadGuides() {
	const { CATALOG } = await load("catalog.js");
	const { OVERVIEW } = await load("overview.js");
	/** @type {[string, string, Guide][]} */
	const all = [["socketry", "every kind of socket, on the command line", OVERVIEW]];
	for (const [name, { summary }] of Object.entries(CATALOG)) {
		all.push([`socketry ${name}`, summary, (await load(`${name}/guide.js`)).GUIDE]);
	}
	return all;
}

/**
 * The text of an option in whole sentences, or that of another command's option which is the same.
 *
 * @param {string} name
 * @param {Guide} guide
 * @param {Guides} all
 * @returns {string}
 */
export function aboutOf(name, guide, all) {
	const { about, like, text = "" } = guide.options[name] ?? {};
	if (about !== undefined || like === undefined) return sentence(about ?? text);
	const other = all.find(([command]) => command === `socketry ${like}`);
	return other === undefined ? sentence(text) : aboutOf(name, other[2], all);
}

/** @param {string} text */
export function sentence(text) {
	const whole = capital(text);
	return /[.:]$/.test(whole) ? whole : `${whole}.`;
}

/** @param {string} text */
export function capital(text) {
	return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} path below dist/cli */
function load(path) {
	return import(pathToFileURL(join(ROOT, "dist/cli", path)).href);
}
