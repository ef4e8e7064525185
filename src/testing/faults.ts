/**
 * System calls that fail as planned. Every call of the library goes through one plain object, so a plan replaces some of its functions and
 * puts them back: the 2nd `recv` answers ECONNRESET, each `send` takes 3 bytes at most, the first `accept4` finds nothing yet.
 *
 *     using faults = injectFaults([{ call: "recv", nth: 2, fail: "ECONNRESET" }]);
 */
import { constants } from "node:os";
import { requireInteger } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import { type RandomSource, randomSource } from "../random.ts";
import type { Engine, Sys } from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import * as kernelErrno from "../sys/errno.ts";

/** Name of a call that can be made to fail. */
export type FaultyCall = Exclude<keyof (Sys & Engine), "out" | "engineStart">;

/** One planned fault: exactly one of `fail` and `short`. */
export interface Fault {
	/** The call that fails. */
	readonly call: FaultyCall;
	/** Name of the error that the call answers in place of being made: `"ECONNRESET"`. `close` is made all the same, as on Linux. */
	readonly fail?: string | undefined;
	/** The call is made for a random number of bytes from 1 to so many (messages, for sendmmsg and recvmmsg). Cuts the messages of sockets that keep boundaries. */
	readonly short?: number | undefined;
	/** Which call is the first to be hit, from 1. Default 1. */
	readonly nth?: number | undefined;
	/** In place of `nth`: a random one of the first so many. */
	readonly within?: number | undefined;
	/** How many calls in a row are hit. Default 1; Infinity for all. */
	readonly times?: number | undefined;
	/** Only calls for this descriptor are counted and hit. */
	readonly fd?: number | undefined;
}

/** A plan in force. */
export interface FaultPlan extends Disposable {
	/** Of the random choices: give it to `injectFaults` to repeat them. */
	readonly seed: number;
	/** How often each call of the plan was made, hit or not. */
	readonly calls: ReadonlyMap<FaultyCall, number>;
	/** How many calls were hit. */
	readonly hits: number;
	/** Puts the real calls back. A second call does nothing. */
	restore(): void;
	/** @throws {Error} a fault has hit no call; its message names it and the seed */
	assertAllHit(): void;
	/** Restores, and throws as `assertAllHit`. */
	[Symbol.dispose](): void;
}

type AnyCall = (...args: unknown[]) => number;

interface ActiveFault {
	readonly fault: Fault;
	readonly first: number;
	readonly end: number;
	seen: number;
	hits: number;
}

/** Where each transferring call has its length: the position of a number, or of a list that is cut. */
const LENGTH_AT: Partial<Record<FaultyCall, number>> = {
	read: 3,
	recv: 3,
	recvfrom: 3,
	write: 3,
	send: 3,
	sendto: 3,
	recvmmsg: 3,
	sendmmsg: 3,
	recvmsg: 1,
	sendmsg: 1,
};

/**
 * Puts a plan in force, for this thread, until it is restored. Plans may be nested; the one put in force last is restored first.
 *
 * @param seed of the random choices; by default another one each time
 * @throws {InvalidValueError} a fault makes no sense
 */
export function injectFaults(plan: readonly Fault[], seed?: number): FaultPlan {
	const random = randomSource(seed);
	const active = plan.map((fault) => activate(fault, random));
	const calls = new Map<FaultyCall, number>(plan.map(({ call }) => [call, 0]));
	const real = new Map<FaultyCall, AnyCall>();
	const seam = sys as unknown as Record<FaultyCall, AnyCall>;
	for (const call of calls.keys()) {
		const original = seam[call];
		const faults = active.filter(({ fault }) => fault.call === call);
		real.set(call, original);
		seam[call] = (...args) => {
			calls.set(call, (calls.get(call) ?? 0) + 1);
			return performFaulty(call, original, args, hitting(faults, args[0]), random);
		};
	}
	const restore = (): void => {
		for (const [call, original] of real) seam[call] = original;
		real.clear();
	};
	const assertAllHit = (): void => {
		const missed = active.filter(({ hits }) => hits === 0).map(({ fault }) => describe(fault));
		if (missed.length === 0) return;
		const made = [...calls].map(([call, count]) => `${count} of ${call}`).join(", ");
		throw new Error(`no call was hit by ${missed.join(", ")} (seed ${random.seed}; made: ${made})`);
	};
	return {
		seed: random.seed,
		calls,
		get hits() {
			return active.reduce((sum, { hits }) => sum + hits, 0);
		},
		restore,
		assertAllHit,
		[Symbol.dispose]: () => {
			restore();
			assertAllHit();
		},
	};
}

function activate(fault: Fault, random: RandomSource): ActiveFault {
	const { call, fail, short, within, times = 1 } = fault;
	if ((fail === undefined) === (short === undefined)) {
		throw new InvalidValueError("fault", "must have either `fail` or `short`", describe(fault));
	}
	if (fail !== undefined) errnoOf(fail);
	if (short !== undefined && LENGTH_AT[call] === undefined) {
		throw new InvalidValueError("short", `is not possible: ${call} transfers nothing`, short);
	}
	if (times !== Number.POSITIVE_INFINITY) requireInteger("times", times, 1, 1_000_000_000);
	const nth = requireInteger("nth", fault.nth ?? 1, 1, 1_000_000_000);
	const first =
		within === undefined
			? nth
			: 1 + random.below(requireInteger("within", within, 1, 1_000_000_000));
	return { fault, first, end: first + times, seen: 0, hits: 0 };
}

// Every fault counts the calls that concern it; the first whose turn it is hits.
function hitting(faults: readonly ActiveFault[], fd: unknown): Fault | undefined {
	let chosen: ActiveFault | undefined;
	for (const each of faults) {
		if (each.fault.fd !== undefined && each.fault.fd !== fd) continue;
		each.seen++;
		if (each.seen >= each.first && each.seen < each.end) chosen ??= each;
	}
	if (chosen === undefined) return undefined;
	chosen.hits++;
	return chosen.fault;
}

function performFaulty(
	call: FaultyCall,
	original: AnyCall,
	args: unknown[],
	fault: Fault | undefined,
	random: RandomSource,
): number {
	if (fault === undefined) return original(...args);
	if (fault.short !== undefined) return original(...shorten(call, args, fault.short, random));
	// Linux: the descriptor is gone whatever close(2) answers.
	if (call === "close") original(...args);
	return errnoOf(fault.fail as string);
}

function shorten(call: FaultyCall, args: unknown[], most: number, random: RandomSource): unknown[] {
	const at = LENGTH_AT[call] as number;
	const length = args[at];
	const cut = 1 + random.below(most);
	if (typeof length === "number") return args.with(at, Math.min(length, cut));
	return args.with(at, beginning(length as Uint8Array[], cut));
}

function beginning(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
	const cut: Uint8Array[] = [];
	let left = bytes;
	for (const buffer of buffers) {
		if (left === 0) break;
		cut.push(buffer.subarray(0, left));
		left -= Math.min(left, buffer.length);
	}
	return cut;
}

function errnoOf(name: string): number {
	const value = (kernelErrno as Record<string, unknown>)[name];
	if (typeof value === "number") return value;
	const known = (constants.errno as Record<string, number>)[name];
	if (known === undefined)
		throw new InvalidValueError("fail", "must be the name of an error", name);
	return -known;
}

function describe({ call, fail, short, nth, within, times, fd }: Fault): string {
	const which = within === undefined ? `call ${nth ?? 1}` : `one of ${within} calls`;
	const what = fail ?? `short ${short}`;
	return `${call}: ${what} at ${which}${times === undefined ? "" : ` and ${times} in all`}${fd === undefined ? "" : ` for descriptor ${fd}`}`;
}
