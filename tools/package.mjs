// Holds: what `npm publish` would send is well-formed, small, and works where it is installed without its development tools.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addonPath } from "./build-native.mjs";
import { capture, ROOT } from "./run.mjs";

const FOLDER = join(ROOT, ".build", "package");

/** What must be in the tarball, besides what the addon of this machine is called. */
const NEEDED = [
	...["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"],
	"dist/man/socketry.1",
];

const budgets = JSON.parse(readFileSync(join(ROOT, "budgets.json"), "utf8"));
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

if (existsSync(join(ROOT, "dist/index.js"))) {
	const tarball = pack();
	const problems =
		tarball === undefined ? ["npm pack failed"] : [...lint(tarball), ...install(tarball)];
	for (const problem of problems) {
		console.error(problem);
	}
	process.exitCode = problems.length > 0 || process.exitCode ? 1 : 0;
} else {
	console.log("skipped: there is no dist/index.js yet");
}

/**
 * Makes the tarball and looks at its size and its list of files.
 *
 * @returns {string | undefined} its path
 */
function pack() {
	rmSync(FOLDER, { recursive: true, force: true });
	mkdirSync(FOLDER, { recursive: true });
	const result = capture("npm", [
		"pack",
		"--json",
		"--loglevel=error",
		"--pack-destination",
		FOLDER,
	]);
	if (!result.ok) {
		console.error(result.stdout + result.stderr);
		return undefined;
	}
	const answer = JSON.parse(result.stdout);
	const packed = Array.isArray(answer) ? answer[0] : Object.values(answer)[0];
	/** @type {string[]} */
	const paths = packed.files.map((/** @type {{ path: string }} */ file) => file.path);
	const needed = process.platform === "linux" ? [...NEEDED, addonPath()] : NEEDED;
	const missing = needed.filter((path) => !paths.includes(path));
	const extra = paths.filter((path) =>
		/tsbuildinfo|\.test\.|^(tests|tools|bench|docs)\//.test(path),
	);
	const line = `tarball: ${packed.size} of ${budgets.tarballBytes} bytes, ${paths.length} files`;
	console.error(
		[line, ...missing.map((p) => `lacks ${p}`), ...extra.map((p) => `has ${p}`)].join("\n"),
	);
	if (missing.length + extra.length > 0 || packed.size > budgets.tarballBytes) {
		process.exitCode = 1;
	}
	return join(FOLDER, packed.filename);
}

/** @param {string} tarball @returns {string[]} */
function lint(tarball) {
	const commands = [
		["publint", "run", tarball, "--strict"],
		["attw", tarball, "--profile", "esm-only", "--no-color", "--no-emoji", "--format", "ascii"],
	];
	return commands.flatMap(([program = "", ...args]) => {
		const result = capture(program, args);
		return result.ok ? [] : [`${program} found faults:\n${result.stdout}${result.stderr}`];
	});
}

/** Unpacks it as npm would, and loads every entry point by import and by require. @param {string} tarball */
function install(tarball) {
	const folder = mkdtempSync(join(tmpdir(), "socketry-package-"));
	const target = join(folder, "node_modules", manifest.name);
	mkdirSync(target, { recursive: true });
	const unpacked = capture("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
	const names = Object.entries(manifest.exports)
		.filter(([, to]) => typeof to !== "string" && existsSync(join(ROOT, to.default)))
		.map(([path]) => JSON.stringify(manifest.name + path.slice(1)));
	const imports = names.map((name) => `await import(${name});`).join("\n");
	writeFileSync(join(folder, "import.mjs"), imports);
	writeFileSync(join(folder, "require.cjs"), names.map((name) => `require(${name});`).join("\n"));
	const failures = ["import.mjs", "require.cjs"].flatMap((file) => {
		const args = ["--no-warnings", file];
		const result = capture(process.execPath, args, { cwd: folder, timeoutMs: 120_000 });
		return result.ok ? [] : [`installed, ${file} fails:\n${result.stdout}${result.stderr}`];
	});
	rmSync(folder, { recursive: true, force: true });
	return unpacked.ok ? failures : [`tar: ${unpacked.stderr}`, ...failures];
}
