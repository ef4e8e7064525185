// Builds the C subjects once for each content of their sources, compiler and flags.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UnavailableError } from "./unavailable.mjs";

const FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"];
const COMPILER = process.env.CC || "cc";
const sources = fileURLToPath(new URL("../native/", import.meta.url));
const target = fileURLToPath(new URL("../../.build/bench/", import.meta.url));

let built;

/** The path of the C program, built if need be. */
export async function buildNative() {
	built ??= build();
	return built;
}

function build() {
	const names = readdirSync(sources).sort();
	const hash = createHash("sha256").update(compilerVersion()).update(FLAGS.join(" "));
	for (const name of names) hash.update(name).update(readFileSync(join(sources, name)));
	const program = join(target, `subject-${hash.digest("hex").slice(0, 16)}`);
	if (existsSync(program)) return program;
	mkdirSync(target, { recursive: true });
	const files = names.filter((name) => name.endsWith(".c")).map((name) => join(sources, name));
	const partial = `${program}.${process.pid}`;
	execFileSync(COMPILER, [...FLAGS, "-o", partial, ...files], {
		stdio: "inherit",
		timeout: 60_000,
	});
	renameSync(partial, program);
	return program;
}

/** First line of what the compiler says about itself. */
export function compilerVersion() {
	try {
		const text = execFileSync(COMPILER, ["--version"], { encoding: "utf8", stdio: "pipe" });
		return text.split("\n")[0];
	} catch {
		throw new UnavailableError(
			`no C compiler: install ${COMPILER} (apt-get install gcc libc6-dev)`,
		);
	}
}
