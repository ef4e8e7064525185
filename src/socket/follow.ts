/**
 * One listener on a signal for all who follow it. `AbortSignal.any` would leave 4 kB for each of them, until the collector has come by several
 * times, and a listener each would have Node warn of a leak.
 */

import { callProgram } from "../call-program.ts";

const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `onAbort` once if the signal aborts before the returned function is called.
 *
 * @param onAbort a function of its own for each follower; of a signal that has aborted already, called once the caller has what is returned
 */
export function follow(signal: AbortSignal, onAbort: () => void): () => void {
	if (signal.aborted) {
		let isOver = false;
		queueMicrotask(() => isOver || callProgram(onAbort));
		return () => {
			isOver = true;
		};
	}
	const all = callbacks.get(signal) ?? new Set();
	if (all.size === 0) {
		callbacks.set(signal, all);
		signal.addEventListener("abort", tellAll);
	}
	all.add(onAbort);
	return () => {
		all.delete(onAbort);
		if (all.size === 0) signal.removeEventListener("abort", tellAll);
	};
}

function tellAll(this: AbortSignal): void {
	for (const tell of callbacks.get(this) ?? []) callProgram(tell);
}
