// Holds: the addon is made from native/*.c by exactly one compiler command, and only when an input changed.
//
//   node tools/build-native.mjs              -> prebuilds/<platform>-<arch>[-musl]/socketry.node
//   node tools/build-native.mjs --sanitize   -> .build/asan/socketry.node (AddressSanitizer, UBSan)

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { digest, filesBelow, isStamped, writeStamp } from "./files.mjs";
import { capture, ROOT } from "./run.mjs";

// Warnings are errors in the gate of tools/targets.mjs alone: a compiler that is newer than ours may have new ones.
const WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow"];
const SHAPE = [
	...["-std=c11", "-D_GNU_SOURCE", "-DNAPI_VERSION=8"],
	...["-shared", "-fPIC", "-fvisibility=hidden"],
];
const RELEASE = ["-O2", "-s"];
const SANITIZE = [
	"-O1",
	"-g",
	"-fno-omit-frame-pointer",
	"-fsanitize=address,undefined",
	"-fno-sanitize-recover=undefined",
];

const HEADERS = "node_modules/node-api-headers";

/** Where the sanitized addon goes, from the root of the repository. */
export const SANITIZED_ADDON = ".build/asan/socketry.node";

/**
 * The path of the addon for this machine, from the root of the repository.
 *
 * @returns {string}
 */
export function addonPath() {
	const musl = process.platform === "linux" && !runsOnGlibc() ? "-musl" : "";
	return `prebuilds/${process.platform}-${process.arch}${musl}/socketry.node`;
}

/**
 * Builds the addon if its sources, headers or flags changed.
 *
 * @param {{ sanitize?: boolean }} [options]
 * @returns {boolean} false when the build failed; the reason has been printed
 */
export function buildNative({ sanitize = false } = {}) {
	if (process.platform !== "linux") {
		console.log(`native: no addon is built on ${process.platform}; only Linux has one so far`);
		return true;
	}
	const cc = process.env.CC || "cc";
	const flags = [...SHAPE, ...WARNINGS, ...(sanitize ? SANITIZE : RELEASE)];
	const output = sanitize ? SANITIZED_ADDON : addonPath();
	const stamp = `.build/native/${sanitize ? "asan" : "release"}.stamp`;
	const inputs = filesBelow("native", /\.[ch]$/);
	const headers = JSON.parse(readFileSync(join(ROOT, HEADERS, "package.json"), "utf8")).version;
	const value = digest(inputs, [cc, headers, output, ...flags]);
	if (existsSync(join(ROOT, output)) && isStamped(stamp, value)) {
		return true;
	}
	if (!compile(cc, flags, output)) {
		return false;
	}
	writeStamp(stamp, value);
	return true;
}

/**
 * Builds the addon for some machine, as strictly as our own sources have to be.
 *
 * @param {string} cc
 * @param {string} output from the root of the repository
 * @returns {boolean} false when the build failed; the reason has been printed
 */
export function buildStrictly(cc, output) {
	return compile(cc, [...SHAPE, ...WARNINGS, "-Werror", ...RELEASE], output);
}

/**
 * Runs the compiler into a fresh file and moves it into place, so that a running process keeps the old addon.
 *
 * @param {string} cc
 * @param {readonly string[]} flags
 * @param {string} output
 * @returns {boolean}
 */
function compile(cc, flags, output) {
	const fresh = `${output}.${process.pid}.new`;
	mkdirSync(dirname(join(ROOT, output)), { recursive: true });
	const [program = "cc", ...words] = cc.split(" ");
	const sources = filesBelow("native", /^native[\\/][^\\/]+\.c$/);
	const args = [...flags, `-I${HEADERS}/include`, "-Inative", ...sources, "-o", fresh];
	const result = capture(program, [...words, ...args]);
	if (result.missing) {
		console.error(missingCompiler(cc));
		return false;
	}
	process.stderr.write(result.stdout + result.stderr);
	if (!result.ok) {
		rmSync(join(ROOT, fresh), { force: true });
		console.error("native: the C compiler rejected the addon; its messages are above");
		return false;
	}
	renameSync(join(ROOT, fresh), join(ROOT, output));
	console.log(`native: built ${output}`);
	return true;
}

/**
 * @param {string} cc
 * @returns {string}
 */
function missingCompiler(cc) {
	return (
		`native: no C compiler found (tried "${cc}"); install one with ` +
		"`apt-get install build-essential` (Debian, Ubuntu), `apk add build-base` (Alpine) or " +
		"`xcode-select --install` (macOS), or name yours in the environment variable CC"
	);
}

/** @returns {boolean} */
function runsOnGlibc() {
	const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (
		process.report.getReport()
	);
	return report.header.glibcVersionRuntime !== undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	process.exitCode = buildNative({ sanitize: process.argv.includes("--sanitize") }) ? 0 : 1;
}
