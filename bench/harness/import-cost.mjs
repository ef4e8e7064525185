// What `import "socketry"` costs a fresh process, beyond what an empty process costs.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { median } from "./statistics.mjs";

const PAIRS = 7;

/** Milliseconds of a process that imports the library minus one that does nothing, in turn; the addon's size. */
export function measureImport(cpu) {
	const differences = [];
	for (let i = 0; i < PAIRS; i++) {
		differences.push(runMs(cpu, "import-socketry") - runMs(cpu, "import-nothing"));
	}
	return { ms: median(differences), addon_kb: statSync(addonPath()).size / 1000 };
}

function addonPath() {
	const target = `${process.platform}-${process.arch}`;
	const paths = [target, `${target}-musl`].map((name) =>
		fileURLToPath(new URL(`../../prebuilds/${name}/socketry.node`, import.meta.url)),
	);
	const found = paths.find((path) => existsSync(path));
	if (found === undefined) throw new Error(`no addon for ${target} in prebuilds/`);
	return found;
}

function runMs(cpu, name) {
	const start = performance.now();
	runOnce(cpu, name);
	return performance.now() - start;
}

function runOnce(cpu, name) {
	const file = fileURLToPath(new URL(`../subjects/${name}.mjs`, import.meta.url));
	const command = ["-c", String(cpu), process.execPath, file];
	const options = { encoding: "utf8", timeout: 10_000 };
	const { status, stderr } = spawnSync("taskset", command, options);
	if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
}
