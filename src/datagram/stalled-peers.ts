/**
 * Peers of an unconnected Unix socket whose queues are full. The kernel tells when there is room again only who is connected, so a few of them
 * are watched by sockets that are, and all are tried again by a timer as well: a peer may have been replaced, or be beyond watching. None of
 * them holds up the others.
 */
import { TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { PendingSends, type PendingTotal } from "../packet/pending-sends.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { DONE } from "../stream/turn-budget.ts";
import type { Destination } from "./destinations.ts";
import { PeerRoom } from "./peer-room.ts";
import { isFull, transmitError } from "./transmit.ts";

interface StalledPeer {
	readonly to: Destination;
	/** Copies of datagrams whose senders have been told that they are taken; those before `next` are gone. */
	taken: Uint8Array[];
	next: number;
	/** Datagrams whose senders wait. */
	readonly waiting: PendingSends<Destination>;
	/** Tells when there is room. */
	room: PeerRoom | undefined;
	/** Times in a row that it told so and there was none. */
	mistakes: number;
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
	/** Of this socket, those that wait for stalled peers among them. */
	readonly waiting: PendingTotal;
	/** Whether a datagram for which there is no room is dropped. */
	readonly drops: boolean;
}

const RETRY_MS_MAX = 16;
// Each takes a descriptor.
const WATCHED_MAX = 16;
const WATCHED_RETRY_MS = 64;
// Bounds the memory for many tiny datagrams; a Unix socket's own queue holds 10 by default.
const TAKEN_MAX = 4_096;
// Others who send to the peer may be quicker; but a socket that took the peer's name while the old one lives is never watched.
const MISTAKES_MAX = 8;

/** The stalled peers of one socket. */
export class StalledPeers {
	readonly #setup: StallSetup;
	readonly #peers = new Map<string, StalledPeer>();
	#takenBytes = 0;
	#takenCount = 0;
	#stopSleep: (() => void) | undefined;
	#retryMs: number = LIMITS.sendRetryMs;
	#watchedCount = 0;

	constructor(setup: StallSetup) {
		this.#setup = setup;
	}

	/** How many are stalled. */
	get count(): number {
		return this.#peers.size;
	}

	/** Bytes of datagrams that have been taken and not sent. */
	get takenBytes(): number {
		return this.#takenBytes;
	}

	/** Whether datagrams to this place have to wait. */
	has(to: Destination): boolean {
		return this.#peers.size > 0 && this.#peers.has(keyOf(to));
	}

	/** Takes a datagram to a stalled peer, or to one that has just turned out to be. Borrows `data` only while the promise is pending. */
	push(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		const peer = this.#stall(to);
		const isPlain = to.passage === undefined;
		if (isPlain && peer.waiting.count === 0 && this.#hasRoom(data)) {
			this.take(data, to);
			return DONE;
		}
		if (this.#setup.drops) {
			this.#setup.onDropped();
			return DONE;
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		return peer.waiting.push(data, to, options);
	}

	/** Takes a copy, whatever the limit. */
	take(data: Uint8Array, to: Destination): void {
		this.#stall(to).taken.push(Uint8Array.from(data));
		this.#takenBytes += data.length;
		this.#takenCount++;
	}

	/** Gives everything up. Returns how many datagrams are lost by that. */
	fail(error: Error): number {
		this.#stopSleep?.();
		let lost = 0;
		for (const peer of this.#peers.values()) {
			this.#unwatch(peer);
			lost += peer.taken.length - peer.next + peer.waiting.failAll(error);
		}
		this.#peers.clear();
		this.#takenBytes = 0;
		this.#takenCount = 0;
		return lost;
	}

	#hasRoom({ length }: Uint8Array): boolean {
		return this.#takenCount < TAKEN_MAX && this.#takenBytes + length <= this.#setup.limitBytes;
	}

	#stall(to: Destination): StalledPeer {
		const key = keyOf(to);
		let peer = this.#peers.get(key);
		if (peer === undefined) {
			peer = {
				to: to.passage === undefined ? to : { ...to, passage: undefined },
				taken: [],
				next: 0,
				waiting: new PendingSends(this.#setup.waiting),
				room: undefined,
				mistakes: 0,
			};
			this.#peers.set(key, peer);
			this.#watch(peer, key);
			if (this.#peers.size === 1 || peer.room === undefined) this.#schedule(this.#leastDelay());
		}
		return peer;
	}

	#watch(peer: StalledPeer, key: string): void {
		if (this.#watchedCount === WATCHED_MAX) return;
		peer.room = PeerRoom.open(peer.to, () => this.#onRoom(peer, key));
		if (peer.room !== undefined) this.#watchedCount++;
	}

	#unwatch(peer: StalledPeer): void {
		if (peer.room === undefined) return;
		peer.room.close();
		peer.room = undefined;
		this.#watchedCount--;
	}

	#onRoom(peer: StalledPeer, key: string): void {
		const moved = this.#sendTo(peer);
		peer.mistakes = moved ? 0 : peer.mistakes + 1;
		if (this.#leaveIfIdle(peer, key)) {
			if (this.#peers.size > 0) return;
			this.#stopSleep?.();
			this.#setup.onEmpty();
		} else if (peer.mistakes > MISTAKES_MAX || !peer.room?.await()) {
			this.#unwatch(peer);
			this.#schedule(LIMITS.sendRetryMs);
		}
	}

	#leaveIfIdle(peer: StalledPeer, key: string): boolean {
		if (peer.next < peer.taken.length || peer.waiting.count > 0) return false;
		this.#unwatch(peer);
		this.#peers.delete(key);
		return true;
	}

	#leastDelay(): number {
		return this.#watchedCount === this.#peers.size ? WATCHED_RETRY_MS : LIMITS.sendRetryMs;
	}

	#schedule(delayMs: number): void {
		this.#stopSleep?.();
		this.#retryMs = delayMs;
		this.#stopSleep = this.#setup.sleep(delayMs, () => this.#retry());
	}

	#retry(): void {
		let moved = false;
		for (const [key, peer] of this.#peers) {
			if (this.#sendTo(peer)) moved = true;
			this.#leaveIfIdle(peer, key);
		}
		const least = this.#leastDelay();
		if (this.#peers.size === 0) this.#setup.onEmpty();
		else if (moved || least === WATCHED_RETRY_MS) this.#schedule(least);
		else this.#schedule(Math.min(this.#retryMs * 2, RETRY_MS_MAX));
	}

	// Sends until the peer is full. Returns whether anything went.
	#sendTo(peer: StalledPeer): boolean {
		const { to, taken, waiting } = peer;
		const before = peer.next;
		let rc = 0;
		for (; peer.next < taken.length; peer.next++) {
			const data = taken[peer.next] as Uint8Array;
			rc = this.#setup.transmit(data, to);
			if (isFull(rc)) break;
			this.#takenBytes -= data.length;
			this.#takenCount--;
			if (rc < 0) this.#setup.onFailed(transmitError(rc, to));
		}
		let moved = peer.next > before;
		// Not each time: what lies behind has to be moved.
		if (peer.next * 2 > taken.length) {
			peer.taken = taken.slice(peer.next);
			peer.next = 0;
		}
		if (isFull(rc)) return moved;
		for (let next = waiting.first; next !== undefined; next = waiting.first) {
			rc = this.#setup.transmit(next.data, next.to);
			if (isFull(rc)) break;
			waiting.settleFirst(rc < 0 ? transmitError(rc, next.to) : undefined);
			moved = true;
		}
		return moved;
	}
}

function keyOf({ target }: Destination): string {
	return target.path ?? `@${target.address}`;
}
