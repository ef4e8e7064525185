// Holds: every tool starts other programs in one way, from the root of the repository, and never through a shell.

import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository, without a slash at its end. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/**
 * Runs a program with its output on ours and returns its exit code (1 when it could not start or died by a signal).
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options] `env` is added to ours.
 * @returns {number}
 */
export function run(program, args, options = {}) {
	const result = spawnSync(program, args, {
		cwd: options.cwd ?? ROOT,
		env: environment(options.env),
		stdio: "inherit",
	});
	if (result.error !== undefined) {
		console.error(`${program}: ${result.error.message}`);
	}
	return result.status ?? 1;
}

/**
 * Runs a program and returns what it printed; never throws.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutMs?: number, input?: string }} [options]
 * @returns {{ ok: boolean, missing: boolean, stdout: string, stderr: string, status: number | null }}
 */
export function capture(program, args, options = {}) {
	const result = spawnSync(program, args, {
		cwd: options.cwd ?? ROOT,
		env: environment(options.env),
		encoding: "utf8",
		input: options.input,
		timeout: options.timeoutMs,
		maxBuffer: 64 * 1024 * 1024,
	});
	const missing =
		/** @type {NodeJS.ErrnoException | undefined} */ (result.error)?.code === "ENOENT";
	const stdout = result.stdout ?? "";
	const stderr = (result.stderr ?? "") + (result.error ? `${result.error.message}\n` : "");
	return { ok: result.status === 0, missing, stdout, stderr, status: result.status };
}

/**
 * The environment of a child: ours, the tools of node_modules first on PATH, and the given additions.
 *
 * @param {Record<string, string | undefined>} [additions]
 * @returns {NodeJS.ProcessEnv}
 */
function environment(additions) {
	const bin = join(ROOT, "node_modules", ".bin");
	const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
	return { ...inherited, PATH: bin + delimiter + (process.env.PATH ?? ""), ...additions };
}
