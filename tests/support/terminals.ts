/** Programs on a terminal, with somebody who types; by script(1). */
import { type ChildProcess, spawn } from "node:child_process";
import { find } from "./programs.ts";
import { ROOT } from "./root.ts";

/** How to start one. */
export interface TerminalOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	/** Default 80. */
	readonly columns?: number;
}

const LIMIT_MS = 300_000;

/** A terminal with a program on it, which never outlives its time. */
export class TypedTerminal {
	/** Resolves to the exit code, as a shell tells it. */
	readonly ended: Promise<number | null>;
	readonly #child: ChildProcess;
	#text = "";
	#isOver = false;
	#wake = (): void => {};

	/** @param command a line of a shell, whose words are quoted where they have to be */
	constructor(command: string, { cwd = ROOT, env = {}, columns = 80 }: TerminalOptions = {}) {
		const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, NO_COLOR: ___, ...inherited } = process.env;
		const line = `stty cols ${columns} rows 24; exec ${command}`;
		const child = spawn(find("script") ?? "script", ["-qec", line, "/dev/null"], {
			cwd,
			env: { ...inherited, LC_ALL: "C.UTF-8", TERM: "xterm", LD_PRELOAD: "", ...env },
			stdio: ["pipe", "pipe", "ignore"],
		});
		this.#child = child;
		const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
		child.stdin.on("error", () => {});
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			this.#text += text;
			this.#wake();
		});
		this.ended = new Promise((resolve) => {
			child.on("close", (code) => {
				clearTimeout(timer);
				this.#isOver = true;
				this.#wake();
				resolve(code);
			});
		});
	}

	/** All that has been on the screen. */
	get text(): string {
		return this.#text;
	}

	/** Ends the program, whatever it does. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.stdin?.end();
		this.#child.kill("SIGHUP");
		await this.ended;
	}

	/** Presses keys: `\r` is Enter, `\x03` Ctrl-C, `\x04` Ctrl-D. */
	type(keys: string): void {
		this.#child.stdin?.write(keys);
	}

	/** Resolves to the first match on the screen; rejects when the program ends without one. */
	async seen(pattern: RegExp): Promise<RegExpExecArray> {
		for (;;) {
			const match = pattern.exec(this.#text);
			if (match !== null) return match;
			if (this.#isOver) throw new Error(`${pattern} was not seen: ${this.#text}`);
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}
}
