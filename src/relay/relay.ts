/** `relay`: two streams become one connection. */
import {
	type Known,
	requireBoolean,
	requireInteger,
	requireOptions,
	requireSignal,
} from "../arguments.ts";
import { AbortError, InvalidValueError, SocketError, TimeoutError } from "../errors.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Stream } from "../stream/stream.ts";
import { SocketSide } from "./socket-side.ts";
import { StreamSide } from "./stream-side.ts";
import type { Side, Way, WayEnd } from "./way.ts";

/** Options of `relay`. */
export interface RelayOptions {
	/** Ends the relay when no byte has moved in either direction for so long, 1..2147483647 ms. Default: never. */
	readonly idleMs?: number | undefined;
	/**
	 * Passes on descriptors that come along, between two Unix streams with `receiveDescriptors`. The bytes then go through this process. They
	 * leave with the first byte of the chunk that they came with. Default false: they are dropped.
	 */
	readonly passDescriptors?: boolean | undefined;
	/** Ends the relay and resets both connections. */
	readonly signal?: AbortSignal | undefined;
}

const KNOWN: Known<RelayOptions> = {
	idleMs: true,
	passDescriptors: true,
	signal: true,
};

/** What was relayed in one direction. */
export interface RelayedWay {
	/** Bytes handed on. */
	readonly bytes: number;
	/** Why not everything was handed on; undefined when the end of the source has reached the sink. */
	readonly error: Error | undefined;
}

/** What was relayed. */
export interface RelayResult {
	/** From the first stream to the second. */
	readonly leftToRight: RelayedWay;
	/** From the second stream to the first. */
	readonly rightToLeft: RelayedWay;
	/** Whether something was lost, in one direction or both. */
	readonly isCut: boolean;
}

/** A relay under way. */
export interface Relay {
	/** Bytes handed on so far, left to right. */
	readonly bytesToRight: number;
	/** Bytes handed on so far, right to left. */
	readonly bytesToLeft: number;
	/** Settles when both directions have ended and both connections are closed. Never rejects. */
	readonly done: Promise<RelayResult>;
	/** Ends it at once and resets both connections; `reason` becomes the error of what had not ended. */
	abort(reason?: unknown): void;
}

/**
 * Joins two streams, so that what arrives at one leaves by the other, until both have ended.
 *
 * The end of one direction is handed on and ends only that direction: a reply that comes after the end of its request arrives. A connection
 * that fails takes the other one with it, so that nobody takes a cut for an end. Between two sockets of this library the bytes of busy
 * connections stay in the kernel, which splices them; short messages, TLS and other streams are copied.
 *
 * @param left taken, and closed in the end
 * @param right taken, and closed in the end
 * @throws {BusyError} a read of one of them is pending, or bytes are queued; both stay as they were
 * @throws {ClosedError} one of them is closed
 * @see splice(2)
 */
export function relay(left: ByteStream, right: ByteStream, options: RelayOptions = {}): Relay {
	const { idleMs, passDescriptors, signal } = requireOptions(options, KNOWN);
	if (idleMs !== undefined) requireInteger("idleMs", idleMs, 1, 2 ** 31 - 1);
	const passes = requireBoolean("passDescriptors", passDescriptors ?? false);
	requireSignal("signal", signal);
	const [first, second] = sidesOf(left, right, passes);
	return new RunningRelay(first, second, idleMs, signal);
}

function sidesOf(left: ByteStream, right: ByteStream, passes: boolean): [Side, Side] {
	if (left === right)
		throw new InvalidValueError("right", "must be another stream than left", right);
	for (const each of [left, right]) if (each instanceof Stream) each.checkReleasable();
	const isSpliced = left instanceof Stream && right instanceof Stream && !passes;
	if (!isSpliced) return [new StreamSide(left, passes), new StreamSide(right, passes)];
	return [new SocketSide(left), new SocketSide(right)];
}

class RunningRelay implements Relay {
	readonly done: Promise<RelayResult>;
	readonly #left: Side;
	readonly #right: Side;
	readonly #toRight: Way;
	readonly #toLeft: Way;
	readonly #ends: (WayEnd | undefined)[] = [undefined, undefined];
	readonly #signal: AbortSignal | undefined;
	#idleTimer: NodeJS.Timeout | undefined;
	#settle!: (result: RelayResult) => void;
	#isOver = false;
	readonly #onAbort = (): void => this.abort(this.#signal?.reason);

	constructor(
		left: Side,
		right: Side,
		idleMs: number | undefined,
		signal: AbortSignal | undefined,
	) {
		this.#left = left;
		this.#right = right;
		this.#signal = signal;
		this.done = new Promise((resolve) => {
			this.#settle = resolve;
		});
		if (idleMs !== undefined) this.#watchIdleness(idleMs);
		signal?.addEventListener("abort", this.#onAbort, { once: true });
		this.#toRight = left.flowTo(right, (end) => this.#ended(0, end), undefined);
		// It can have failed already.
		const error = this.#ends[0]?.error;
		const doubt = isOfKernel(error) ? error : undefined;
		this.#toLeft = right.flowTo(left, (end) => this.#ended(1, end), doubt);
		if (signal?.aborted) this.#onAbort();
	}

	get bytesToRight(): number {
		return this.#toRight.bytes;
	}

	get bytesToLeft(): number {
		return this.#toLeft.bytes;
	}

	abort(reason?: unknown): void {
		this.#cutAll(reason instanceof SocketError ? reason : new AbortError(reason));
	}

	#ended(way: 0 | 1, end: WayEnd): void {
		if (this.#isOver) return;
		this.#ends[way] = end;
		// Nothing more can come from it or go to it: the other end must not take this for a clean end.
		if (end.error !== undefined && !end.isSinkBroken) this.#cutAll(end.error);
		else if (this.#ends.every((each) => each !== undefined)) void this.#close();
		else if (isOfKernel(end.error)) (way === 0 ? this.#toLeft : this.#toRight)?.doubtEnd(end.error);
	}

	async #close(): Promise<void> {
		this.#stopWatching();
		const [toRight, toLeft] = this.#ends;
		// Whose source has more to say, but whose sink is gone.
		const closeLeft = toRight?.error === undefined ? "close" : "closeAfterCut";
		const closeRight = toLeft?.error === undefined ? "close" : "closeAfterCut";
		await Promise.allSettled([this.#left[closeLeft](), this.#right[closeRight]()]);
		this.#settle(this.#result());
	}

	#cutAll(error: Error): void {
		if (this.#isOver) return;
		this.#stopWatching();
		this.#toRight?.stop();
		this.#toLeft?.stop();
		this.#left.reset();
		this.#right.reset();
		for (const way of [0, 1]) this.#ends[way] ??= { error, isSinkBroken: false };
		// Not before the constructor is through.
		queueMicrotask(() => this.#settle(this.#result()));
	}

	#stopWatching(): void {
		this.#isOver = true;
		clearInterval(this.#idleTimer);
		this.#signal?.removeEventListener("abort", this.#onAbort);
	}

	#watchIdleness(idleMs: number): void {
		let moved = -1;
		let since = performance.now();
		// Looked at ten times as often as it matters, so that it is noticed at most a tenth too late.
		this.#idleTimer = setInterval(
			() => {
				const now = this.bytesToRight + this.bytesToLeft;
				if (now !== moved) {
					moved = now;
					since = performance.now();
				} else if (performance.now() - since >= idleMs) {
					this.abort(new TimeoutError(idleMs, now, "The silence on a relay"));
				}
			},
			Math.max(1, Math.floor(idleMs / 10)),
		).unref();
	}

	#result(): RelayResult {
		const [toRight, toLeft] = this.#ends;
		return {
			leftToRight: { bytes: this.bytesToRight, error: toRight?.error },
			rightToLeft: { bytes: this.bytesToLeft, error: toLeft?.error },
			isCut: toRight?.error !== undefined || toLeft?.error !== undefined,
		};
	}
}

function isOfKernel(error: Error | undefined): error is Error {
	return error !== undefined && "syscall" in error;
}
