/** Programs that talk over standard input and output: ours, and those of others. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { find } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";

/** How a program ended, and what it wrote. */
export interface Talked {
	/** Exit code, or 128 + n for signal n, as a shell tells it. */
	readonly code: number;
	readonly stdout: Buffer;
	readonly stderr: string;
}

/** A program under way. */
export interface Talking {
	readonly process: ChildProcess;
	readonly ended: Promise<Talked>;
	/** Resolves to the first match in what it has written to standard error; rejects when it ends before. */
	said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Standard input: these bytes and the end, nothing and the end, or held open without a word. */
export type Input = string | Uint8Array | "none" | "open";

/** How to call our program. */
export const PROGRAM: readonly string[] = [
	process.execPath,
	fileURLToPath(new URL("dist/cli/main.js", pathToFileURL(ROOT))),
];
/** The same for the line of a shell. */
export const PROGRAM_LINE = PROGRAM.map((word) => `"${word}"`).join(" ");
// Of a program that hangs: on a busy machine, others take their time.
const LIMIT_MS = 300_000;

/** Starts our program. */
export function startOurs(args: readonly string[], input: Input = "open"): Talking {
	return start([...PROGRAM, ...args], input);
}

/** Runs our program to its end. */
export function ours(args: readonly string[], input: Input = "none"): Promise<Talked> {
	return startOurs(args, input).ended;
}

/** Starts a program, ours or another's. It never outlives its time. */
export function start([name = "", ...args]: readonly string[], input: Input): Talking {
	const { NODE_TEST_CONTEXT: _, ...env } = process.env;
	const child = spawn(find(name) ?? name, args, {
		cwd: ROOT,
		env: {
			...env,
			FORCE_COLOR: "0",
			LC_ALL: "C.UTF-8",
			LD_PRELOAD: name === process.execPath ? env["LD_PRELOAD"] : "",
		},
		stdio: "pipe",
	});
	const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
	const chunks: Buffer[] = [];
	let stderr = "";
	let isOver = false;
	const listeners = new Set<() => void>();
	const tell = (): void => {
		for (const listener of listeners) listener();
	};
	child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		stderr += text;
		tell();
	});
	// A peer that leaves early takes no more of it.
	child.stdin.on("error", () => {});
	if (input === "none") child.stdin.end();
	else if (input !== "open") child.stdin.end(input);
	const ended = new Promise<Talked>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (code, signal) => {
			clearTimeout(timer);
			isOver = true;
			tell();
			resolve({
				code: code ?? (signal === "SIGKILL" ? 137 : 143),
				stdout: Buffer.concat(chunks),
				stderr,
			});
		});
	});
	const said = (pattern: RegExp): Promise<RegExpExecArray> =>
		new Promise((resolve, reject) => {
			const look = (): void => {
				const match = pattern.exec(stderr);
				if (match === null && !isOver) return;
				listeners.delete(look);
				if (match === null) reject(new Error(`it ended without saying ${pattern}: ${stderr}`));
				else resolve(match);
			};
			listeners.add(look);
			look();
		});
	return { process: child, ended, said };
}
