/** What is left of objects that a program forgets. */
import { readdirSync, readlinkSync } from "node:fs";
import { sys } from "socketry/sys";

const ROUNDS = 10;

/** Has everything collected that can be, finalizers included. */
async function collectAll(): Promise<void> {
	for (let i = 0; i < ROUNDS; i++) {
		globalThis.gc?.();
		await new Promise((resolve) => setImmediate(resolve));
	}
}

/** Has everything collected, again until nothing is owned any more: a finalizer may come late. Needs `--expose-gc`. */
export async function collectOwned(): Promise<void> {
	for (let i = 0; i < ROUNDS; i++) {
		await collectAll();
		if (owned() === 0) return;
	}
}

/** Descriptors that objects of this thread own. */
export function owned(): number {
	sys.engineLedger();
	return sys.out[2] as number;
}

/** Sockets that this process has open. */
export function openSockets(): number {
	let count = 0;
	for (const fd of readdirSync("/proc/self/fd")) {
		try {
			if (readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:")) count++;
		} catch {
			// The folder's own descriptor.
		}
	}
	return count;
}
