/** Programs of others that ours are tested with. */

import { createSocket } from "node:dgram";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Child, type ChildOptions, startProgram } from "./children.ts";
import { ROOT } from "./root.ts";

interface Peers {
	readonly findPeer: (name: string) => string | undefined;
	readonly packagesOf: (names: readonly string[]) => string[];
}

// The list of them, and of their packages, by which CI installs them.
const { findPeer, packagesOf }: Peers = await import(
	pathToFileURL(join(ROOT, "tools/peers.mjs")).href
);

/** Where a program is, if it is there. */
export const find: Peers["findPeer"] = findPeer;

/** Why a test that needs these programs is skipped, and what to do about it; false when they are there. For the `skip` of a test. */
export function lacking(...names: string[]): string | false {
	const missing = names.filter((name) => find(name) === undefined);
	if (missing.length === 0) return false;
	return `${missing.join(" and ")} missing: apt-get install ${packagesOf(missing).join(" ")}`;
}

/** Why a test that needs root is skipped; false when it is root. */
export function lackingRoot(): string | false {
	return process.geteuid?.() !== 0 && "not root: run it as root";
}

/** Why a test that runs this code as another user is skipped; false when it can be. */
export function lackingAnotherUser(): string | false {
	for (let folder = ROOT; folder !== dirname(folder); folder = dirname(folder)) {
		const isOpen = (statSync(folder).mode & 0o001) !== 0;
		if (!isOpen) return `other users cannot enter ${folder}: chmod o+x ${folder}`;
	}
	return lackingRoot();
}

/** Starts one of them, which must be there. The sanitizers that our tests may run with are not for them. */
export function startPeer(
	name: string,
	args: readonly string[],
	options: ChildOptions = {},
): Child {
	const env = { ...options.env, LD_PRELOAD: "" };
	return startProgram([find(name) ?? name, ...args], { ...options, env });
}

/** A compiled example: `dns/serve.ts`. */
export function example(path: string): URL {
	return pathToFileURL(join(ROOT, ".build/examples", path.replace(/\.ts$/, ".js")));
}

/** Ends a child process, and waits for it. Returns what it said. */
export async function stop(child: Child, signal: NodeJS.Signals = "SIGTERM"): Promise<string> {
	child.process.kill(signal);
	const { stdout, stderr } = await child.ended;
	return stdout + stderr;
}

/** Reads lines until one matches, which is returned. */
export async function lineLike(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
	for (;;) {
		const match = pattern.exec(await child.line());
		if (match !== null) return match;
	}
}

/**
 * A port of 127.0.0.1 that is free by UDP and by TCP, and the `beside` next ones too: for programs that cannot choose one themselves. No other test
 * gets one of them while this process runs.
 */
export async function freePort(beside = 0): Promise<number> {
	for (;;) {
		const port = 20_000 + Math.floor(Math.random() * 12_000);
		let isFree = true;
		for (let i = 0; i <= beside && isFree; i++) {
			isFree = reserve(port + i) && (await isFreePort(port + i));
		}
		if (isFree) return port;
	}
}

const reserved = new Set<string>();

// By a file that has the number of the process: between the look and the start of the program somebody else could get the port.
function reserve(port: number): boolean {
	const path = join(tmpdir(), `socketry-port-${port}`);
	try {
		writeFileSync(path, String(process.pid), { flag: "wx" });
	} catch {
		if (!isOfLiving(path)) rmSync(path, { force: true });
		return false;
	}
	if (reserved.size === 0) process.once("exit", releaseAll);
	reserved.add(path);
	return true;
}

function releaseAll(): void {
	for (const path of reserved) rmSync(path, { force: true });
}

function isOfLiving(path: string): boolean {
	try {
		const pid = Number(readFileSync(path, "utf8"));
		// Who has just made it has not written to it yet.
		return pid === 0 || process.kill(pid, 0);
	} catch (error) {
		return (error as { code?: string }).code !== "ESRCH";
	}
}

async function isFreePort(port: number): Promise<boolean> {
	const socket = createSocket("udp4");
	const server = createServer();
	const ready = [
		new Promise((resolve, reject) => {
			socket.once("error", reject).bind(port, "127.0.0.1", () => resolve(undefined));
		}),
		new Promise((resolve, reject) => {
			server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined));
		}),
	];
	const isFree = (await Promise.allSettled(ready)).every(({ status }) => status === "fulfilled");
	await new Promise((resolve) => server.close(resolve));
	socket.close();
	return isFree;
}
