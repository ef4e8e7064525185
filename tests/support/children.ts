import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PATIENCE_MS } from "./patience.ts";
import { ROOT } from "./root.ts";

/** A server lives as long as all steps of its test together, and none of them may end with it. */
const LIFETIME_MS = 3 * PATIENCE_MS;

/** How a child process ended, and what it said. */
export interface Ended {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly stdout: string;
	readonly stderr: string;
	/** Whether it had to be killed because its time was up. */
	readonly timedOut: boolean;
	readonly elapsedMs: number;
}

/** Options of `startChild` and `runChild`. */
export interface ChildOptions {
	/** Arguments of the script. */
	readonly args?: readonly string[];
	/** Flags of Node, such as `--expose-gc`. */
	readonly flags?: readonly string[];
	/** A program and its first arguments, to which the command line of Node is appended: `["prlimit", "--nofile=64"]`. */
	readonly under?: readonly string[];
	/** After this time the child is killed, in milliseconds. Default `LIFETIME_MS`. */
	readonly timeoutMs?: number;
	readonly env?: Readonly<Record<string, string>>;
	/** Which output `line` reads. Default `"stdout"`. */
	readonly lines?: "stdout" | "stderr";
}

/** A child process under way. */
export interface Child {
	readonly process: ChildProcess;
	readonly pid: number;
	/** Resolves to the next whole line of its output; rejects when it ends before. */
	line(): Promise<string>;
	/** Resolves when it has ended. */
	readonly ended: Promise<Ended>;
}

/**
 * Starts a compiled script in a process of its own, which imports the built package by name. It never outlives its time.
 *
 * @param script from the test file: `new URL("./exit.child.js", import.meta.url)`
 */
export function startChild(script: URL, options: ChildOptions = {}): Child {
	const { args = [], flags = [] } = options;
	return startProgram([process.execPath, ...flags, fileURLToPath(script), ...args], options);
}

/**
 * Starts any program. It never outlives its time.
 *
 * @param program its name and its arguments; `args` and `flags` of the options are for scripts only
 */
export function startProgram(program: readonly string[], options: ChildOptions = {}): Child {
	const { under = [], timeoutMs = LIFETIME_MS, env = {}, lines = "stdout" } = options;
	const command = [...under, ...program];
	const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
	const start = performance.now();
	const child = spawn(command[0] as string, command.slice(1), {
		cwd: ROOT,
		env: { ...inherited, ...env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	if (!process.listeners("SIGTERM").includes(endAll)) process.once("SIGTERM", endAll);
	running.add(child);
	let stdout = "";
	let stderr = "";
	let timedOut = false;
	let taken = 0;
	let wake = (): void => {};
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		stdout += text;
		wake();
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		stderr += text;
		wake();
	});
	const timer = setTimeout(() => {
		timedOut = true;
		child.kill("SIGKILL");
	}, timeoutMs);
	let over = false;
	const ended = new Promise<Ended>((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (code, signal) => {
			running.delete(child);
			clearTimeout(timer);
			over = true;
			wake();
			resolve({ code, signal, stdout, stderr, timedOut, elapsedMs: performance.now() - start });
		});
	});
	const line = async (): Promise<string> => {
		for (;;) {
			const said = lines === "stdout" ? stdout : stderr;
			const end = said.indexOf("\n", taken);
			if (end >= 0) {
				const text = said.slice(taken, end);
				taken = end + 1;
				return text;
			}
			if (over) throw new Error(`the child ended without another line: ${stderr}`);
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		}
	};
	return { process: child, pid: child.pid ?? -1, line, ended };
}

// A test file that is ended because its time is up takes them along.
const running = new Set<ChildProcess>();

function endAll(): void {
	for (const child of running) child.kill("SIGKILL");
	process.kill(process.pid, "SIGTERM");
}

/** Starts a script and waits for its end. */
export async function runChild(script: URL, options?: ChildOptions): Promise<Ended> {
	return await startChild(script, options).ended;
}
