// Holds: every TypeScript example in README.md and docs/ compiles against the built package and runs as it is printed.
//
// A fence `ts` is compiled and run (in an empty folder, for at most TIMEOUT_MS); `ts no-run` is only compiled.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesBelow } from "./files.mjs";
import { capture, ROOT } from "./run.mjs";

const FOLDER = ".build/snippets";
const TIMEOUT_MS = 120_000;

const OPTIONS = {
	extends: "../../tsconfig.base.json",
	compilerOptions: {
		composite: false,
		declaration: false,
		declarationMap: false,
		isolatedDeclarations: false,
		noUnusedLocals: false,
		noUnusedParameters: false,
		rootDir: ".",
		outDir: "out",
		moduleDetection: "force",
		typeRoots: ["../../node_modules/@types"],
	},
	include: ["*.ts"],
};

const snippets = [...rootPages(), ...filesBelow("docs", /\.md$/)].flatMap(extract);
if (snippets.length === 0) {
	console.log("ok: there are no snippets");
} else if (check()) {
	console.log(
		`ok: ${snippets.length} snippets, ${snippets.filter(({ runs }) => runs).length} of them run`,
	);
} else {
	process.exitCode = 1;
}

/** @returns {boolean} */
function check() {
	rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
	mkdirSync(join(ROOT, FOLDER), { recursive: true });
	writeFileSync(join(ROOT, FOLDER, "tsconfig.json"), JSON.stringify(OPTIONS));
	for (const { name, text } of snippets) {
		writeFileSync(join(ROOT, FOLDER, `${name}.ts`), text);
	}
	const compiled = capture("tsc", ["-p", "."], { cwd: join(ROOT, FOLDER) });
	if (!compiled.ok) {
		console.error(`${compiled.stdout}${compiled.stderr}(lines are those of the page)`);
		return false;
	}
	return (
		snippets.filter(({ runs }) => runs).filter((snippet) => !succeeds(snippet.name)).length === 0
	);
}

/**
 * The snippets of one page. Each file starts with empty lines, so that its line numbers are those of the page.
 *
 * @param {string} page
 * @returns {{ name: string, text: string, runs: boolean }[]}
 */
function extract(page) {
	const text = readFileSync(join(ROOT, page), "utf8");
	return [...text.matchAll(/^```(?:ts|typescript)\b(.*)\n([\s\S]*?)^```/gm)].map((fence) => {
		const line = text.slice(0, fence.index).split("\n").length;
		return {
			name: `${page.replace(/\.md$/, "").replaceAll(/[\\/]/g, "-")}-line-${line}`,
			text: "\n".repeat(line) + fence[2],
			runs: !/\bno-run\b/.test(fence[1] ?? ""),
		};
	});
}

/** @returns {string[]} */
function rootPages() {
	return readdirSync(ROOT).filter((name) => name.endsWith(".md"));
}

/**
 * @param {string} name
 * @returns {boolean}
 */
function succeeds(name) {
	const folder = mkdtempSync(join(tmpdir(), "socketry-snippet-"));
	const program = join(ROOT, FOLDER, "out", `${name}.js`);
	const flags = ["--unhandled-rejections=strict", "--throw-deprecation", "--enable-source-maps"];
	const result = capture(process.execPath, [...flags, program], {
		cwd: folder,
		timeoutMs: TIMEOUT_MS,
	});
	rmSync(folder, { recursive: true, force: true });
	if (!result.ok) {
		const how = result.status === null ? `did not end within ${TIMEOUT_MS} ms` : "failed";
		console.error(`${name} ${how}\n${result.stdout}${result.stderr}`);
	}
	return result.ok;
}
