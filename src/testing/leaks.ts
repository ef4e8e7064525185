/**
 * What is open in this process and this thread, to be compared before and after: descriptors by /proc/self/fd, and what the engine watches
 * and owns. Platforms without /proc have nothing to compare.
 */

import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { type Known, requireOptions } from "../arguments.ts";
import { sys } from "../sys/current.ts";

/** What was open at one moment. */
export interface OpenResources {
	/** What each open descriptor points to: `"socket:[4711]"`. */
	readonly descriptors: ReadonlyMap<number, string>;
	/** Descriptors that the engine of this thread watches. */
	readonly watches: number;
	/** Handles in the event loop of this thread; two stay once the engine has started. */
	readonly handles: number;
	/** Descriptors that this thread closes when it ends. */
	readonly owned: number;
}

/** Options of `assertNoLeaks`. */
export interface LeakOptions {
	/** Time for what is closed but not gone yet, in milliseconds. Default 2000. */
	readonly graceMs?: number | undefined;
}

const FOLDER = "/proc/self/fd";
const GRACE_MS = 2_000;
const POLL_MS = 10;
/** The prepare and the check handle of an engine that has started. */
const ENGINE_HANDLES = 2;

/**
 * Kinds of descriptor that Node opens for itself, once, when something is first used; and what the allocator of glibc reads when one of Node's threads
 * gives memory back.
 */
const OPENED_BY_NODE =
	/^(anon_inode:\[(eventpoll|eventfd|io_uring|timerfd)\]|\/dev\/(null|tty|urandom)|\/proc\/sys\/vm\/overcommit_memory)$/;

/** Looks at what is open now. */
export function openResources(): OpenResources {
	const [watches = 0, handles = 0, owned = 0] = ledger();
	return { descriptors: openDescriptors(), watches, handles, owned };
}

/** Says in words what is open now and was not before; nothing for what Node opens for itself. */
export function findLeaks(before: OpenResources): string[] {
	const now = openResources();
	const leaks: string[] = [];
	for (const [fd, target] of now.descriptors) {
		if (before.descriptors.get(fd) === target || OPENED_BY_NODE.test(target)) continue;
		leaks.push(`descriptor ${fd}: ${target}`);
	}
	const watches = now.watches - before.watches;
	const handles = now.handles - Math.max(before.handles, ENGINE_HANDLES);
	const owned = now.owned - before.owned;
	if (watches > 0) leaks.push(`${watches} watches of the engine`);
	if (handles > 0) leaks.push(`${handles} handles of the engine`);
	if (owned > 0) leaks.push(`${owned} descriptors owned by the engine`);
	return leaks;
}

const KNOWN: Known<LeakOptions> = {
	graceMs: true,
};

/**
 * Waits until nothing more is open than before.
 *
 * @param before of `openResources`
 * @throws {Error} something is left after the grace time; its message lists what
 */
export async function assertNoLeaks(
	before: OpenResources,
	options: LeakOptions = {},
): Promise<void> {
	const { graceMs = GRACE_MS } = requireOptions(options, KNOWN);
	const deadline = performance.now() + graceMs;
	// libuv closes a handle in the turn after it was told to.
	await new Promise((resolve) => setImmediate(resolve));
	let leaks = findLeaks(before);
	while (leaks.length > 0 && performance.now() < deadline) {
		globalThis.gc?.();
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		leaks = findLeaks(before);
	}
	if (leaks.length > 0) throw new Error(`left open:\n- ${leaks.join("\n- ")}`);
}

function ledger(): number[] {
	try {
		sys.engineLedger();
		return [...sys.out.subarray(0, 3)];
	} catch {
		return []; // No addon on this platform.
	}
}

function openDescriptors(): Map<number, string> {
	const open = new Map<number, string>();
	if (!existsSync(FOLDER)) return open;
	for (const fd of readdirSync(FOLDER)) {
		try {
			open.set(Number(fd), readlinkSync(`${FOLDER}/${fd}`));
		} catch {
			// The one that read the folder is gone by now.
		}
	}
	return open;
}
