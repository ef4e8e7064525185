/** The other side of a local comparison: a process of its own, which ends with this one however this one ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../../index.ts";
import type { Kind } from "./kinds.ts";
import { pipeTarget, socketTarget, type Target } from "./target.ts";

/** What the server process says when it is ready, as one line of JSON. */
export interface Announcement {
	/** The private directory that holds its sockets. */
	readonly directory: string;
	/** Address of each kind that it serves; of `pipe`, the two paths. */
	readonly addresses: Partial<Record<Exclude<Kind, "pipe">, string>> & {
		readonly pipe?: readonly [string, string];
	};
	/** Why it does not serve others. */
	readonly unavailable: Partial<Record<Kind, string>>;
}

const MAIN = fileURLToPath(import.meta.resolve("#src/cli/main.ts"));
/** Time for the process to end by itself once its input has ended. */
const END_MS = 2_000;

/** A running server process. */
export class ServerProcess {
	readonly announcement: Announcement;
	readonly #child: ChildProcess;
	// Should this process end without a word, by a second Ctrl-C.
	readonly #lastResort = (): void => {
		this.#child.kill("SIGKILL");
		this.#removeDirectory();
	};

	private constructor(child: ChildProcess, announcement: Announcement) {
		this.#child = child;
		this.announcement = announcement;
		process.once("exit", this.#lastResort);
	}

	/**
	 * Starts one.
	 *
	 * @throws {Error} it ended before it was ready; its messages have gone to standard error
	 */
	static async start(kinds: readonly Kind[]): Promise<ServerProcess> {
		const args = [...process.execArgv, MAIN, "compare", "--internal-serve", kinds.join(",")];
		const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
		const lines = createInterface({ input: child.stdout });
		const [line] = (await Promise.race([once(lines, "line"), once(child, "exit")])) as unknown[];
		if (typeof line !== "string") throw new Error("the server process ended before it was ready");
		return new ServerProcess(child, JSON.parse(line) as Announcement);
	}

	/** Whom to talk to. */
	get targets(): Target[] {
		const { pipe, ...addresses } = this.announcement.addresses;
		const targets = Object.entries(addresses).map(([kind, address]) => {
			return socketTarget(kind as Kind, parseAddress(address), false);
		});
		return pipe === undefined ? targets : [...targets, pipeTarget(...pipe)];
	}

	/** Ends the process and removes its directory. */
	async stop(): Promise<void> {
		const ended = this.#child.exitCode !== null || this.#child.signalCode !== null;
		const exit = ended ? undefined : once(this.#child, "exit");
		this.#child.stdin?.end();
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
		await exit;
		clearTimeout(timer);
		process.off("exit", this.#lastResort);
		this.#removeDirectory();
	}

	// The child removes it, unless it was killed.
	#removeDirectory(): void {
		rmSync(this.announcement.directory, { recursive: true, force: true });
	}
}
