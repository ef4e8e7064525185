// Holds: a rebuild is decided by the content of its inputs, never by a time stamp.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./run.mjs";

/**
 * All files below a folder of the repository that match, as sorted paths from the root; none when the folder is missing.
 *
 * @param {string} folder
 * @param {RegExp} pattern tested against the path from the root
 * @returns {string[]}
 */
export function filesBelow(folder, pattern) {
	const start = join(ROOT, folder);
	if (!existsSync(start)) {
		return [];
	}
	return readdirSync(start, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)))
		.filter((path) => pattern.test(path) && !path.includes("node_modules"))
		.sort();
}

/**
 * A digest of some files and some words; the same inputs give the same digest on every machine.
 *
 * @param {readonly string[]} paths from the root of the repository
 * @param {readonly string[]} [words]
 * @returns {string}
 */
export function digest(paths, words = []) {
	const hash = createHash("sha256");
	for (const word of words) {
		hash.update(`${word}\0`);
	}
	for (const path of paths) {
		hash.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
	}
	return hash.digest("hex");
}

/**
 * Does the stamp file hold this digest?
 *
 * @param {string} stamp path from the root
 * @param {string} value
 * @returns {boolean}
 */
export function isStamped(stamp, value) {
	const path = join(ROOT, stamp);
	return existsSync(path) && readFileSync(path, "utf8").trim() === value;
}

/**
 * Remembers a digest.
 *
 * @param {string} stamp path from the root
 * @param {string} value
 */
export function writeStamp(stamp, value) {
	mkdirSync(dirname(join(ROOT, stamp)), { recursive: true });
	writeFileSync(join(ROOT, stamp), `${value}\n`);
}
