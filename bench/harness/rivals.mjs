// Installs other runtimes into bench/rivals the first time that one of them is asked for.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UnavailableError } from "./unavailable.mjs";

const directory = fileURLToPath(new URL("../rivals/", import.meta.url));
const stamp = join(directory, "node_modules", ".bench-stamp");

let installed;

/** The path of Bun's own binary, which npm brings as an optional package of this platform. */
export async function bunProgram() {
	installed ??= install();
	if (installed !== true) throw new UnavailableError(installed);
	const platform = `${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
	for (const name of [`bun-${platform}`, `bun-${platform}-musl`]) {
		const program = join(directory, "node_modules", "@oven", name, "bin", "bun");
		if (existsSync(program)) return program;
	}
	throw new UnavailableError(`bun has no binary for ${platform}`);
}

// true, or the reason why not. An unchanged lock file means nothing to do.
function install() {
	const lock = readFileSync(join(directory, "package-lock.json"));
	const digest = createHash("sha256").update(lock).digest("hex");
	if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return true;
	process.stderr.write("installing rivals (bench/rivals) ...\n");
	try {
		execFileSync("npm", ["ci"], { cwd: directory, stdio: "pipe", timeout: 180_000 });
	} catch (error) {
		return `npm ci in bench/rivals failed: ${whatNpmSaid(error)}`;
	}
	writeFileSync(stamp, digest);
	return true;
}

function whatNpmSaid(error) {
	const lines = String(error.stderr || error.message).split("\n");
	const said = lines.filter((line) => line.startsWith("npm error") && !line.includes("log"));
	return (said.length > 0 ? said : lines).slice(0, 3).join("; ").replaceAll("npm error ", "");
}

/** Bun's version as it says itself, or null. */
export async function bunVersion() {
	try {
		const program = await bunProgram();
		return execFileSync(program, ["--version"], { encoding: "utf8", timeout: 10_000 }).trim();
	} catch {
		return null;
	}
}
