/**
 * The engine of this thread, opened on first use: hands its events to the watched, and counts who waits.
 *
 * The process stays alive while somebody waits, and for nothing else. Within a turn of the engine waits end and begin again all the time,
 * so there the count is only kept; outside, the engine is told at once.
 */
import { SHARED_HELD, SHARED_IN_TURN, SHARED_PAIRS, SHARED_WAITERS } from "../sys/contract.ts";
import { sys } from "../sys/current.ts";

/** Receives the ready bits of one watch. Must not throw. */
export interface Watched {
	notify(events: number): void;
}

const watched: (Watched | undefined)[] = [];
let shared: Int32Array | undefined;

let turns = 0;

/** Turns of the event loop in which the engine had something to tell: equal numbers mean the same turn. */
export function turnNumber(): number {
	return turns;
}

function dispatch(count: number): void {
	turns++;
	const pairs = shared as Int32Array;
	for (let i = SHARED_PAIRS; i < SHARED_PAIRS + 2 * count; i += 2) {
		watched[pairs[i] as number]?.notify(pairs[i + 1] as number);
	}
}

/** Begins to watch a descriptor. Returns 0, or -errno. */
export function watch(fd: number, target: Watched, fresh: boolean): number {
	shared ??= sys.engineStart(dispatch);
	const rc = sys.engineWatch(fd, fresh ? 1 : 0);
	if (rc >= 0) watched[fd] = target;
	return rc;
}

/** Ends a watch; nothing reaches its target any more. */
export function unwatch(fd: number): void {
	watched[fd] = undefined;
	sys.engineUnwatch(fd);
}

/** One more waiter that keeps the process alive. */
export function hold(): void {
	shared ??= sys.engineStart(dispatch);
	const cells = shared;
	const before = cells[SHARED_WAITERS] as number;
	cells[SHARED_WAITERS] = before + 1;
	if (before === 0 && cells[SHARED_HELD] === 0) sys.engineHold(1);
}

/** One waiter less. */
export function unhold(): void {
	const cells = shared as Int32Array;
	const after = (cells[SHARED_WAITERS] as number) - 1;
	cells[SHARED_WAITERS] = after;
	if (after === 0 && cells[SHARED_IN_TURN] === 0) sys.engineHold(0);
}
