// Processes that are pinned, have a time limit, speak JSON lines, and never outlive the runner.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";

const STDERR_BYTES_MAX = 4000;
const SETPRIV = "/usr/bin/setpriv";
const running = new Set();

// The kernel kills the child when this process dies, whatever kills it.
const GUARD = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL"] : [];

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		killAll();
		process.exit(130);
	});
}

function killAll() {
	for (const child of running) child.kill();
}

/** One role of one subject. */
export class Child {
	/** The first line: where a server listens. Rejects when the process ends before. */
	ready;
	/** Everything that the process reported, merged, once it has ended well. */
	figures;
	/** Called with each line that the process reports. */
	onLine = () => {};
	#process;
	#name;
	#killedFor;
	#stderr = "";

	constructor(name, command, cpu, limitMs) {
		const [program, ...rest] = [...GUARD, "taskset", "-c", String(cpu), ...command];
		this.#name = name;
		// A group of its own, for relays have processes of their own.
		this.#process = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"], detached: true });
		running.add(this);
		this.#process.stderr.on("data", (chunk) => {
			this.#stderr = (this.#stderr + chunk).slice(-STDERR_BYTES_MAX);
		});
		const timer = setTimeout(() => this.kill(`took longer than ${limitMs} ms`), limitMs);
		this.#read(timer);
		// Whoever needs these awaits them; the others must not end the runner.
		this.ready.catch(() => {});
		this.figures.catch(() => {});
	}

	/** The number of the process. */
	get pid() {
		return this.#process.pid;
	}

	/** Ends the process and its children at once; a reason makes it a failure. */
	kill(reason) {
		this.#killedFor ??= reason;
		if (this.pid === undefined) return;
		try {
			process.kill(-this.pid, "SIGKILL");
		} catch (error) {
			if (error.code !== "ESRCH") throw error;
		}
	}

	/** Waits for a process whose partner has ended, but not for long: it may wait for a lost datagram. */
	async settle(graceMs) {
		const timer = setTimeout(() => this.kill(), graceMs);
		await this.figures.catch(() => {});
		clearTimeout(timer);
	}

	#read(timer) {
		const merged = {};
		let announce;
		let fail;
		this.ready = new Promise((resolve, reject) => {
			announce = resolve;
			fail = reject;
		});
		createInterface({ input: this.#process.stdout }).on("line", (line) => {
			const { ready, ...figures } = JSON.parse(line);
			this.onLine(figures);
			if (ready !== undefined) announce(ready);
			Object.assign(merged, figures);
		});
		this.figures = new Promise((resolve, reject) => {
			const end = (reason) => {
				clearTimeout(timer);
				running.delete(this);
				const told = this.#stderr.trim();
				fail(new Error(`${this.#name}: ended before it was ready: ${reason}\n${told}`));
				if (this.#killedFor === undefined && reason === "") {
					resolve(merged);
				} else {
					reject(new Error(`${this.#name}: ${this.#killedFor ?? reason}\n${told}`));
				}
			};
			this.#process.on("error", (error) => end(error.message));
			this.#process.on("close", (code, signal) => end(code === 0 ? "" : `exit ${signal ?? code}`));
		});
	}
}
