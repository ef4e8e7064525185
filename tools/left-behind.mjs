// Holds: no process that a test has started outlives the run, although its test file was killed and could not end it.

import { readdirSync, readFileSync } from "node:fs";

/** The variable by which the processes of a run are known: every child inherits it, also one with a session of its own. */
export const MARK = "SOCKETRY_TEST_RUN";

/**
 * Ends all processes whose environment has the mark, but for this one.
 *
 * @param {string} value of the mark
 * @returns {string[]} what was ended: its number and its command line
 */
export function endLeftBehind(value) {
	const mark = `${MARK}=${value}`;
	const ended = [];
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		if (Number(pid) === process.pid || !contentsOf(`/proc/${pid}/environ`).includes(mark)) continue;
		const command = contentsOf(`/proc/${pid}/cmdline`).join(" ").trim();
		try {
			process.kill(Number(pid), "SIGKILL");
			ended.push(`${pid} ${command}`);
		} catch {
			// It has ended by itself.
		}
	}
	return ended;
}

/**
 * The strings of a file of /proc; none when the process is gone, or somebody else's.
 *
 * @param {string} path
 * @returns {string[]}
 */
function contentsOf(path) {
	try {
		return readFileSync(path, "utf8").split("\0");
	} catch {
		return [];
	}
}
