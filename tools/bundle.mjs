// Holds: importing the package reads two files, and yet every module of src with a state exists exactly once, under its own path in dist.
//
// Node takes about a third of a millisecond per module file. So all modules of the library go into one file, and those of each further entry
// point into another that imports the first; each dist/<path>.js only passes on its names. Tests that import `#src/<path>.ts` thereby meet the very
// objects that users have. The program, dist/cli/main.js, is split into parts, of which each command loads only what it needs; beside it each module of
// the command line stays a file of its own, for tests and for the tools that read the guides.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, posix, relative, resolve } from "node:path";
import { chooseAliases, entryOf, forwarderOf } from "./aliases.mjs";
import { digest, filesBelow, isStamped, writeStamp } from "./files.mjs";
import { ROOT } from "./run.mjs";

/** What the compiler wrote. */
const INPUT = ".build/js";
const OUTPUT = "dist";
const STAMP = ".build/bundle.stamp";

/** Folders with an entry point of their own, loaded by those who import that: each after those it imports from. */
const APART = [
	"fault",
	"frame",
	"handover",
	"list",
	"node",
	"proxy",
	"relay",
	"systemd",
	"web",
	"tls",
	"winter",
	"testing",
];

/** Modules without state that a command needs before it needs the library: the library has a copy of its own. */
const COPIED = "nearest\\.js$";

/** The files that hold many modules. One folder deep, like the modules that look for files by their own place. */
const BUNDLES = [
	{ file: "bundle/socketry.js", pattern: new RegExp(`^(?!(cli|${APART.join("|")})/|${COPIED})`) },
	...APART.map((folder) => ({ file: `bundle/${folder}.js`, pattern: new RegExp(`^${folder}/`) })),
];

/** @typedef {import("./aliases.mjs").Aliases} Aliases */

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
	/** @type {Map<string, { file: string, aliases: Aliases }>} */
	const homes = new Map();
	/** @type {Map<string, string>} */
	const texts = new Map();
	for (const { file, pattern } of BUNDLES) {
		const inside = modules.filter((path) => pattern.test(path));
		if (inside.length === 0) continue;
		const aliases = chooseAliases(await exportedNames(esbuild, inside));
		const others = new Map(homes);
		for (const [path, chosen] of aliases) {
			homes.set(path, { file, aliases: chosen });
			texts.set(path, forwarderOf(chosen, pathTo(file, path)));
		}
		addOutputs(texts, await esbuild.build(bundleOf(file, entryOf(aliases), others)));
	}
	const alone = modules.filter((path) => !homes.has(path));
	addOutputs(texts, await esbuild.build(filesOf(alone)));
	addOutputs(texts, await esbuild.build(programOf(homes)));
	replaceOutputs(texts);
	writeStamp(STAMP, digest([...inputs, ...outputs()]));
}

/** @param {Map<string, string>} texts @param {import("esbuild").BuildResult} result */
function addOutputs(texts, { outputFiles }) {
	for (const { path, text } of outputFiles ?? []) {
		texts.set(relative(join(ROOT, OUTPUT), path), text);
	}
}

/** How the module at `from` writes the path of `file`. @param {string} file @param {string} from */
function pathTo(file, from) {
	const path = posix.relative(posix.dirname(from), file);
	return path.startsWith(".") ? path : `./${path}`;
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
 * @param {string} file
 * @param {string} contents of the module that exports all of it
 * @param {Map<string, { file: string, aliases: Aliases }>} others where modules of other bundles are
 * @returns {import("esbuild").BuildOptions}
 */
function bundleOf(file, contents, others) {
	return {
		...settings(),
		stdin: { contents, resolveDir: join(ROOT, INPUT), sourcefile: "modules.js" },
		bundle: true,
		outfile: join(ROOT, OUTPUT, file),
		plugins: [fromOtherBundles(others)],
	};
}

/** @param {readonly string[]} modules @returns {import("esbuild").BuildOptions} */
function filesOf(modules) {
	return {
		...settings(),
		entryPoints: modules.map((path) => join(ROOT, INPUT, path)),
		outdir: join(ROOT, OUTPUT),
		outbase: join(ROOT, INPUT),
	};
}

/**
 * The command line: modules that the same commands use go into one file, and each command loads those that it uses.
 *
 * @param {Map<string, { file: string, aliases: Aliases }>} homes where modules of the library are
 * @returns {import("esbuild").BuildOptions}
 */
function programOf(homes) {
	return {
		...settings(),
		entryPoints: [join(ROOT, INPUT, "cli/main.js")],
		bundle: true,
		splitting: true,
		outdir: join(ROOT, OUTPUT),
		// As deep as the program: an import of a bundle is written once for all of them.
		entryNames: "cli/[name]",
		chunkNames: "cli/part-[hash]",
		plugins: [fromOtherBundles(homes, "../bundle")],
	};
}

/**
 * Lets a bundle import the modules of another from that other bundle, not by way of one small file for each.
 *
 * @param {Map<string, { file: string, aliases: Aliases }>} others
 * @param {string} folder of the bundles, as the bundle that imports writes it
 * @returns {import("esbuild").Plugin}
 */
function fromOtherBundles(others, folder = ".") {
	const namespace = "other-bundle";
	return {
		name: namespace,
		setup(build) {
			build.onResolve({ filter: /^\./, namespace }, ({ path }) => ({ path, external: true }));
			build.onResolve({ filter: /^\./, namespace: "file" }, ({ path, resolveDir }) => {
				const module = relative(join(ROOT, INPUT), resolve(resolveDir, path));
				return others.has(module) ? { path: module, namespace, sideEffects: false } : undefined;
			});
			build.onLoad({ filter: /^/, namespace }, ({ path }) => {
				const home = others.get(path);
				return home && { contents: forwarderOf(home.aliases, `${folder}/${basename(home.file)}`) };
			});
		},
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
