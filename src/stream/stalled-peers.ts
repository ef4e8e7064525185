/**
 * Peers of an unconnected Unix socket whose queues are full. The kernel has no event for the moment when there is room again, so each is
 * tried again by a timer, and none of them holds up the others.
 */
import { syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { Destination } from "./destinations.ts";
import { PendingSends } from "./pending-sends.ts";
import { isFull } from "./transmit.ts";
import { DONE } from "./turn-budget.ts";

interface StalledPeer {
	readonly to: Destination;
	/** Copies of datagrams whose senders have been told that they are taken. */
	taken: Uint8Array[];
	/** Datagrams whose senders wait. */
	readonly waiting: PendingSends<Destination>;
}

/** What the peers need of their socket's queue. */
export interface StallSetup {
	/** Calls `wake` after so many milliseconds, unless the returned function is called before. */
	readonly sleep: (ms: number, wake: () => void) => () => void;
	/** Sends one datagram: 0 or more, or -errno. */
	readonly transmit: (data: Uint8Array, to: Destination) => number;
	/** One failed after its sender was told that it is taken. */
	readonly onFailed: (error: Error) => void;
	/** One was dropped for want of room. */
	readonly onDropped: () => void;
	/** Nobody is stalled any more. */
	readonly onEmpty: () => void;
	/** Bytes that may be taken for all stalled peers together. */
	readonly limitBytes: number;
	/** Whether a datagram for which there is no room is dropped. */
	readonly drops: boolean;
}

const RETRY_MS_MAX = 16;

/** The stalled peers of one socket. */
export class StalledPeers {
	readonly #setup: StallSetup;
	readonly #peers = new Map<string, StalledPeer>();
	#takenBytes = 0;
	#waitingBytes = 0;
	#stopSleep: (() => void) | undefined;
	#retryMs: number = LIMITS.sendRetryMs;

	constructor(setup: StallSetup) {
		this.#setup = setup;
	}

	/** How many are stalled. */
	get count(): number {
		return this.#peers.size;
	}

	/** Bytes of datagrams that wait. */
	get bytes(): number {
		return this.#takenBytes + this.#waitingBytes;
	}

	/** Whether datagrams to this place have to wait. */
	has(to: Destination): boolean {
		return this.#peers.size > 0 && this.#peers.has(keyOf(to));
	}

	/** Takes a datagram to a stalled peer, or to one that has just turned out to be. Borrows `data` only while the promise is pending. */
	push(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		const peer = this.#stall(to);
		if (peer.waiting.count === 0 && this.#takenBytes + data.length <= this.#setup.limitBytes) {
			this.take(data, to);
			return DONE;
		}
		if (this.#setup.drops) {
			this.#setup.onDropped();
			return DONE;
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		const pushed = peer.waiting.push(data, to, options, () => this.#countWaiting());
		this.#countWaiting();
		return pushed;
	}

	/** Takes a copy, whatever the limit. */
	take(data: Uint8Array, to: Destination): void {
		this.#stall(to).taken.push(Uint8Array.from(data));
		this.#takenBytes += data.length;
	}

	/** Gives everything up. Returns how many datagrams are lost by that. */
	fail(error: Error): number {
		this.#stopSleep?.();
		let lost = 0;
		for (const { taken, waiting } of this.#peers.values()) {
			lost += taken.length + waiting.failAll(error);
		}
		this.#peers.clear();
		this.#takenBytes = 0;
		this.#waitingBytes = 0;
		return lost;
	}

	#stall(to: Destination): StalledPeer {
		const key = keyOf(to);
		let peer = this.#peers.get(key);
		if (peer === undefined) {
			peer = { to, taken: [], waiting: new PendingSends() };
			this.#peers.set(key, peer);
			if (this.#peers.size === 1) this.#schedule(LIMITS.sendRetryMs);
		}
		return peer;
	}

	#schedule(delayMs: number): void {
		this.#retryMs = delayMs;
		this.#stopSleep = this.#setup.sleep(delayMs, () => this.#retry());
	}

	#retry(): void {
		let moved = false;
		for (const [key, peer] of this.#peers) {
			if (this.#sendTo(peer)) moved = true;
			if (peer.taken.length === 0 && peer.waiting.count === 0) this.#peers.delete(key);
		}
		this.#countWaiting();
		if (this.#peers.size === 0) this.#setup.onEmpty();
		else this.#schedule(moved ? LIMITS.sendRetryMs : Math.min(this.#retryMs * 2, RETRY_MS_MAX));
	}

	// Sends until the peer is full. Returns whether anything went.
	#sendTo(peer: StalledPeer): boolean {
		const { to, taken, waiting } = peer;
		let done = 0;
		let rc = 0;
		for (; done < taken.length; done++) {
			const data = taken[done] as Uint8Array;
			rc = this.#setup.transmit(data, to);
			if (isFull(rc)) break;
			this.#takenBytes -= data.length;
			if (rc < 0) this.#setup.onFailed(syscallError("sendto", rc, to.target));
		}
		peer.taken = taken.slice(done);
		if (isFull(rc)) return done > 0;
		for (let next = waiting.first; next !== undefined; next = waiting.first) {
			rc = this.#setup.transmit(next.data, to);
			if (isFull(rc)) break;
			waiting.settleFirst(rc < 0 ? syscallError("sendto", rc, to.target) : undefined);
		}
		return true;
	}

	#countWaiting(): void {
		this.#waitingBytes = 0;
		for (const { waiting } of this.#peers.values()) this.#waitingBytes += waiting.bytes;
	}
}

function keyOf({ target }: Destination): string {
	return target.path ?? `@${target.address}`;
}
