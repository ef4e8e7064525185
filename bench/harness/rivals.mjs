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

const arch = process.arch === "arm64" ? "aarch64" : process.arch;

/** The path of Bun's own binary, which npm brings as an optional package of this platform. */
export function bunProgram() {
	return program("bun", [
		`@oven/bun-${process.platform}-${arch}/bin/bun`,
		`@oven/bun-${process.platform}-${arch}-musl/bin/bun`,
	]);
}

/** The same of Deno. Only its package for x86-64 with glibc is among the rivals. */
export function denoProgram() {
	return program("deno", [`@deno/${process.platform}-${process.arch}-glibc/deno`]);
}

async function program(name, places) {
	installed ??= install();
	if (installed !== true) throw new UnavailableError(installed);
	for (const place of places) {
		const path = join(directory, "node_modules", place);
		if (existsSync(path)) return path;
	}
	throw new UnavailableError(`${name} has no binary for ${process.platform}-${process.arch}`);
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

/** A version as the program says it itself, or null. */
export async function versionOf(find, option = "--version") {
	try {
		const said = execFileSync(await find(), [option], { encoding: "utf8", timeout: 10_000 });
		return /[0-9]+\.[0-9.]+/.exec(said)?.[0] ?? null;
	} catch {
		return null;
	}
}
