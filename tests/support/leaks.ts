/**
 * Loaded before every test file (by tools/test.mjs): when its tests have ended, no descriptor may be open that was not open before
 * them, and the addon must watch and own nothing. Allows what Node itself opens on first use.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { after } from "node:test";
import { isMainThread } from "node:worker_threads";

/** What the engine keeps for good once it has started: its prepare and its check handle. */
const ENGINE_HANDLES = 2;

/** Waits at most this long, in milliseconds, for what is closed but not gone yet. */
const GRACE_MS = 2_000;

/** Kinds of descriptor that Node opens for itself, once, when something is first used. */
const OPENED_BY_NODE =
	/^(anon_inode:\[(eventpoll|eventfd|io_uring|timerfd)\]|\/dev\/(null|tty|urandom))$/;

/** A child process forked by a test inherits our flags, but is no test file. */
const isTestFile = isMainThread && /\.test\.[jt]s$/.test(process.argv[1] ?? "");

if (isTestFile && existsSync("/proc/self/fd")) {
	openSignalPipe();
	const before = openDescriptors();
	after(async () => {
		const { sys } = await import("#src/sys/current.ts");
		const deadline = performance.now() + GRACE_MS;
		let leaks = findLeaks(before, sys);
		while (leaks.length > 0 && performance.now() < deadline) {
			globalThis.gc?.();
			await new Promise((resolve) => setTimeout(resolve, 10));
			leaks = findLeaks(before, sys);
		}
		assert.deepEqual(leaks, [], `the tests of ${process.argv[1]} left something open`);
	});
}

/** The part of the addon that counts. */
interface Ledger {
	readonly out: Int32Array;
	engineLedger(): number;
}

function findLeaks(before: ReadonlyMap<string, string>, sys: Ledger): string[] {
	const leaks: string[] = [];
	for (const [fd, target] of openDescriptors()) {
		if (before.get(fd) !== target && !OPENED_BY_NODE.test(target)) {
			leaks.push(`descriptor ${fd}: ${target}`);
		}
	}
	return [...leaks, ...ledgerLeaks(sys)];
}

function ledgerLeaks(sys: Ledger): string[] {
	try {
		sys.engineLedger();
	} catch {
		return []; // No addon on this platform.
	}
	const [watches = 0, handles = 0, owned = 0] = sys.out;
	const leaks: string[] = [];
	if (watches !== 0) leaks.push(`${watches} watches of the engine`);
	if (handles > ENGINE_HANDLES) leaks.push(`${handles - ENGINE_HANDLES} handles of the engine`);
	if (owned !== 0) leaks.push(`${owned} descriptors owned by the engine`);
	return leaks;
}

/** Descriptor numbers and what they point to; the one that reads the folder is gone by the time it is looked at. */
function openDescriptors(): Map<string, string> {
	const open = new Map<string, string>();
	for (const fd of readdirSync("/proc/self/fd")) {
		try {
			open.set(fd, readlinkSync(`/proc/self/fd/${fd}`));
		} catch {
			// Closed meanwhile.
		}
	}
	return open;
}

/** Node opens a pipe when the first signal or child process is watched for; this makes it do so now. */
function openSignalPipe(): void {
	const ignore = (): void => undefined;
	process.on("SIGUSR2", ignore);
	process.off("SIGUSR2", ignore);
}
