// Holds: importing the package reads two files, and yet every module of src exists exactly once, under its own path in dist.
//
// Node takes about a third of a millisecond per module file. So all modules of the library go into one file, and each dist/<path>.js only
// passes on its names; tests that import `#src/<path>.ts` thereby meet the very objects that users have. The command line and the test kit
// stay separate files, as they are not loaded with the library.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { chooseAliases, entryOf, forwarderOf } from "./aliases.mjs";
import { digest, filesBelow, isStamped, writeStamp } from "./files.mjs";
import { ROOT } from "./run.mjs";

/** What the compiler wrote. */
const INPUT = ".build/js";
const OUTPUT = "dist";
const STAMP = ".build/bundle.stamp";

/** One folder deep, like the modules that look for files by their own place. */
const BUNDLE = "bundle/socketry.js";

const SEPARATE = /^(cli|testing)\//;

/** Brings dist/*.js up to date with what the compiler wrote; does nothing when it wrote nothing new. */
export async function bundle() {
	const files = filesBelow(INPUT, /\.js(\.map)?$/);
	const inputs = [...files, "tools/aliases.mjs", "tools/bundle.mjs", "package-lock.json"];
	if (files.length === 0 || isStamped(STAMP, digest([...inputs, ...outputs()]))) {
		return;
	}
	const esbuild = await import("esbuild");
	const modules = files
		.filter((path) => path.endsWith(".js"))
		.map((path) => path.slice(INPUT.length + 1));
	/** @type {Map<string, string>} */
	const texts = new Map();
	const inside = modules.filter((path) => !SEPARATE.test(path));
	const names = await exportedNames(esbuild, inside);
	const aliases = chooseAliases(names);
	const library = esbuild.build({
		...settings(),
		stdin: { contents: entryOf(aliases), resolveDir: join(ROOT, INPUT), sourcefile: "modules.js" },
		bundle: true,
		outfile: join(ROOT, OUTPUT, BUNDLE),
	});
	const others = esbuild.build({
		...settings(),
		entryPoints: modules
			.filter((path) => SEPARATE.test(path))
			.map((path) => join(ROOT, INPUT, path)),
		outdir: join(ROOT, OUTPUT),
		outbase: join(ROOT, INPUT),
	});
	for (const { outputFiles } of [await library, await others]) {
		for (const { path, text } of outputFiles ?? []) {
			texts.set(relative(join(ROOT, OUTPUT), path), text);
		}
	}
	for (const [path, chosen] of aliases) {
		texts.set(path, forwarderOf(path, chosen, BUNDLE));
	}
	replaceOutputs(texts);
	writeStamp(STAMP, digest([...inputs, ...outputs()]));
}

function outputs() {
	return filesBelow(OUTPUT, /\.js$/);
}

/** @returns {import("esbuild").BuildOptions} */
function settings() {
	return {
		absWorkingDir: ROOT,
		format: "esm",
		platform: "node",
		target: "node20",
		sourcemap: true,
		sourcesContent: false,
		legalComments: "none",
		write: false,
		ignoreAnnotations: true,
		logLevel: "warning",
		logLimit: 10,
	};
}

/**
 * What each module exports, stars followed.
 *
 * @param {typeof import("esbuild")} esbuild
 * @param {readonly string[]} modules
 * @returns {Promise<Map<string, string[]>>}
 */
async function exportedNames(esbuild, modules) {
	const { metafile } = await esbuild.build({
		...settings(),
		sourcemap: false,
		entryPoints: modules.map((path) => join(ROOT, INPUT, path)),
		outdir: join(ROOT, INPUT),
		outbase: join(ROOT, INPUT),
		bundle: true,
		metafile: true,
	});
	const outputs = Object.entries(metafile?.outputs ?? {});
	return new Map(
		outputs.map(([path, output]) => [path.slice(INPUT.length + 1), output.exports.sort()]),
	);
}

/**
 * Makes dist hold exactly these scripts. Each is moved into place, so that nobody ever reads half of one.
 *
 * @param {Map<string, string>} texts
 */
function replaceOutputs(texts) {
	for (const [path, text] of texts) {
		const file = join(ROOT, OUTPUT, path);
		if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
			mkdirSync(dirname(file), { recursive: true });
			writeFileSync(`${file}.${process.pid}.new`, text);
			renameSync(`${file}.${process.pid}.new`, file);
		}
	}
	for (const path of filesBelow(OUTPUT, /\.js(\.map)?$/)) {
		if (!texts.has(path.slice(OUTPUT.length + 1))) {
			rmSync(join(ROOT, path));
		}
	}
}
