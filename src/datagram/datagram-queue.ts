/**
 * Datagrams on their way to the kernel. The first of a turn of the event loop leaves at once, so that an answer waits for nothing; those
 * that follow in the same turn are gathered and leave together when the program pauses, or when a batch is full.
 */
import { ClosedError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
	EmptyWaiters,
	type PendingSend,
	PendingSends,
	PendingTotal,
} from "../packet/pending-sends.ts";
import type { Waiter } from "../socket/descriptor.ts";
import type { Passage } from "../socket/passage.ts";
import { turnNumber } from "../socket/readiness.ts";
import type { WaitOptions } from "../socket/wait.ts";
import {
	type Flushable,
	noteWrite,
	scheduleFlush,
	unscheduleFlush,
} from "../stream/flush-scheduler.ts";
import { afterSend, DONE } from "../stream/turn-budget.ts";
import { EAGAIN, ENOBUFS } from "../sys/errno.ts";
import { BatchSender, SendLedger, type SendSetup } from "./batch-sender.ts";
import type { Destination } from "./destinations.ts";
import { type SegmentRun, segmentsLeft, sendSegments } from "./segment-run.ts";
import { releaseBatch, SendBatch, takeBatch } from "./send-batch.ts";
import { StalledPeers } from "./stalled-peers.ts";
import { isFull, transmit, transmitError } from "./transmit.ts";

// Bounds the memory of a queue of many tiny datagrams: a batch takes 80 KiB however little is in it.
const BATCHES_MAX = 8;

// Errors of the network that a run may meet and go on.
const RETRIES_MAX = 64;

/** Sends for one datagram socket. */
export class DatagramQueue implements Waiter, Flushable {
	readonly #setup: SendSetup;
	readonly #batches: SendBatch[] = [];
	readonly #total = new PendingTotal();
	readonly #waiting = new PendingSends<Destination>(this.#total);
	readonly #waiters = new EmptyWaiters();
	readonly #stalls: StalledPeers;
	/** What has become of the datagrams. */
	readonly ledger: SendLedger;
	readonly #sender: BatchSender;
	#turn = -1;
	#turnMs = 0;
	#scheduled = false;
	#blocked = false;
	#stopSleep: (() => void) | undefined;
	#failure: Error | undefined;

	constructor(setup: SendSetup) {
		this.#setup = setup;
		this.ledger = new SendLedger(setup.socket);
		this.#stalls = new StalledPeers({
			sleep: (ms, wake) => setup.socket.descriptor.sleep(ms, wake),
			transmit: (data, to) => this.#transmit(data, to),
			onFailed: (error) => {
				this.ledger.drop(1);
				this.ledger.keepUntold(error);
			},
			onDropped: () => this.ledger.drop(1),
			onEmpty: () => this.#tellIfEmpty(),
			limitBytes: setup.limitBytes,
			waiting: this.#total,
			drops: setup.drops,
		});
		this.#sender = new BatchSender(setup, this.ledger, this.#stalls);
	}

	/** Bytes of datagrams that the kernel has not taken yet. */
	get queuedBytes(): number {
		return this.ledger.batchedBytes + this.#stalls.takenBytes + this.#total.bytes;
	}

	/** Sends one datagram; see `DatagramChannel.send`. */
	send(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.ledger.hasUntold && this.#setup.isConnected) {
			return Promise.reject(this.takeUntold());
		}
		if (to.longPath !== undefined) return this.#sendAlone(data, to, options);
		if (data.length <= LIMITS.writeCopyBytes && this.#isSameTurn()) {
			return this.#gather(data, to, options);
		}
		this.#turn = turnNumber();
		this.#turnMs = Date.now();
		if (this.#batches.length > 0 && !this.#blocked) this.#pump();
		if (this.#blocked) return this.#gather(data, to, options);
		if (this.#stalls.has(to)) return this.#stalls.push(data, to, options);
		const rc = this.#transmit(data, to);
		if (rc >= 0) return afterSend();
		if (!isFull(rc)) return Promise.reject(transmitError(rc, to));
		if (!this.#setup.tellsRoom) return this.#stalls.push(data, to, options);
		this.#block(rc);
		return this.#gather(data, to, options);
	}

	/**
	 * Sends one datagram with what goes along, by a call of its own; sends to one peer keep their order.
	 *
	 * @param passage taken: closed when it has left or will not
	 */
	async sendWith(
		data: Uint8Array,
		place: Destination,
		passage: Passage,
		options: WaitOptions | undefined,
	): Promise<void> {
		const to: Destination = { ...place, passage };
		try {
			const rc = this.#sendNow(data, to);
			if (rc >= 0) {
				passage.close();
				await afterSend();
				return;
			}
			if (!this.#setup.drops && options?.timeoutMs !== 0) passage.hold();
			if (!this.#blocked && this.#setup.tellsRoom) this.#block(rc);
			if (this.#failure !== undefined) throw this.#failure;
			await (this.#blocked
				? this.#refuse(data, to, options)
				: this.#stalls.push(data, to, options));
		} finally {
			passage.close();
		}
	}

	// A long path has no name that could stay in a batch. Towards each peer order is kept all the same.
	#sendAlone(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#blocked || this.#waiting.count > 0) return this.#refuse(data, to, options);
		if (this.#stalls.has(to)) return this.#stalls.push(data, to, options);
		const rc = this.#transmit(data, to);
		if (rc >= 0) return afterSend();
		if (isFull(rc)) return this.#stalls.push(data, to, options);
		return Promise.reject(transmitError(rc, to));
	}

	/** Sends one datagram now, or returns false. */
	trySend(data: Uint8Array, to: Destination): boolean {
		return this.#sendNow(data, to) >= 0;
	}

	/** Sends a run of datagrams after what is queued; `sentBytes` of it tells how far it came. */
	async sendRun(run: SegmentRun, options: WaitOptions | undefined): Promise<void> {
		const { refusal } = this.#total;
		if (refusal !== undefined) throw refusal;
		this.#total.count++;
		try {
			await this.#sendRun(run, options);
		} finally {
			this.#total.count--;
		}
	}

	async #sendRun(run: SegmentRun, options: WaitOptions | undefined): Promise<void> {
		const { segmentation } = this.#setup;
		let blamed = 0;
		let retries = 0;
		while (segmentsLeft(run) > 0) {
			await this.drain(options);
			if (this.#failure !== undefined) throw this.#failure;
			const isGlued = run.stride <= segmentation.strideMax && blamed === 0;
			const sentBefore = run.sentBytes;
			const rc = sendSegments(this.#setup.socket.fd, run, isGlued);
			if (rc >= 0) {
				this.ledger.sentCount += rc;
				this.ledger.sentBytes += run.sentBytes - sentBefore;
				if (blamed !== 0) segmentation.degrade(blamed, run.stride);
				await afterSend();
			} else if (isFull(rc)) this.#block(rc);
			else if (isGlued && segmentation.mayBlame(rc)) blamed = rc;
			else if (this.#setup.errors?.drain() && retries++ < RETRIES_MAX) continue;
			else throw syscallError("sendmmsg", rc, run.to.target);
		}
	}

	/** Resolves when nothing is queued. */
	async drain(options: WaitOptions | undefined): Promise<void> {
		if (this.#batches.length > 0 && !this.#blocked) this.#pump();
		if (!this.#blocked && this.#stalls.count === 0) return;
		if (options?.timeoutMs === 0) throw new TimeoutError(0);
		await this.#waiters.wait(options);
	}

	/** The first failure that no caller has been told of; told by this. */
	takeUntold(): Error | undefined {
		return this.ledger.takeUntold();
	}

	/** Gives everything up: what waits rejects with `error`, what is queued is dropped. */
	fail(error: Error): void {
		if (this.#failure !== undefined) return;
		this.#failure = error;
		this.#unblock();
		let lost = this.#waiting.failAll(error) + this.#stalls.fail(error);
		for (const batch of this.#batches) {
			for (let row = batch.next; row < batch.rows; row++) lost += batch.segments(row);
			releaseBatch(batch);
		}
		this.#batches.length = 0;
		this.ledger.batchedBytes = 0;
		this.ledger.drop(lost);
		this.#waiters.tell();
	}

	/** Sends what is held back, for the program begins to wait for an answer. */
	flushHeld(): void {
		if (!this.#scheduled) return;
		unscheduleFlush(this);
		this.flushNow();
	}

	flushNow(): void {
		this.#scheduled = false;
		if (!this.#blocked) this.#pump();
	}

	ready(): void {
		this.#blocked = false;
		this.#pump();
	}

	closed(): void {
		this.#blocked = false;
		this.fail(new ClosedError("The socket"));
	}

	// 0 or more, or the -errno of a socket or a peer that is full.
	#sendNow(data: Uint8Array, to: Destination): number {
		if (this.ledger.hasUntold && this.#setup.isConnected) throw this.takeUntold();
		if (this.#batches.length > 0 && !this.#blocked) this.#pump();
		if (this.#blocked || this.#stalls.has(to)) return EAGAIN;
		const rc = this.#transmit(data, to);
		if (rc < 0 && !isFull(rc)) throw transmitError(rc, to);
		return rc;
	}

	// The engine counts a turn when something arrives: one of a program that only sends ends with its millisecond.
	#isSameTurn(): boolean {
		if (turnNumber() !== this.#turn) return false;
		return this.#batches.length > 0 || Date.now() === this.#turnMs;
	}

	#gather(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		// What waits may be for the same peer, and goes first.
		const isNext = this.#waiting.count === 0;
		if (isNext && this.#stalls.has(to)) return this.#stalls.push(data, to, options);
		if (this.#blocked && this.#isFull(data)) return this.#refuse(data, to, options);
		const { strideMax } = this.#setup.segmentation;
		const last = this.#batches.at(-1);
		const filled = last !== undefined && !last.add(data, to, strideMax);
		if (filled && !this.#blocked) {
			this.#sendBatches();
			// It may have turned out only now that this peer is stalled.
			if (this.#stalls.has(to)) return this.#stalls.push(data, to, options);
		}
		if (filled || last === undefined) {
			const batch = takeBatch();
			batch.add(data, to, strideMax);
			this.#batches.push(batch);
		}
		this.ledger.batchedBytes += data.length;
		if (this.#blocked) return DONE;
		if (filled) return afterSend();
		if (this.#scheduled) noteWrite();
		else {
			this.#scheduled = true;
			scheduleFlush(this);
		}
		return DONE;
	}

	#isFull({ length }: Uint8Array): boolean {
		return (
			this.#waiting.count > 0 ||
			this.queuedBytes + length > this.#setup.limitBytes ||
			this.#batches.length >= BATCHES_MAX ||
			length > SendBatch.dataBytes
		);
	}

	#refuse(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#setup.drops) {
			this.ledger.drop(1);
			return DONE;
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		return this.#waiting.push(data, to, options);
	}

	// Sends until nothing is queued or the kernel is full.
	#pump(): void {
		for (;;) {
			this.#sendBatches();
			if (this.#blocked) return;
			if (this.#waiting.count === 0) break;
			this.#admit();
			if (this.#blocked) return;
		}
		this.#tellIfEmpty();
	}

	#tellIfEmpty(): void {
		const isEmpty = this.#batches.length === 0 && this.#stalls.count === 0;
		if (isEmpty && !this.#blocked) this.#waiters.tell();
	}

	// Takes the first of those that wait, and what fits into one batch with it.
	#admit(): void {
		for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
			const { data, to } = next;
			const isSpecial = to.passage !== undefined || to.longPath !== undefined;
			const isAlone = isSpecial || data.length > LIMITS.writeCopyBytes;
			const isTaken = isAlone ? this.#admitAlone(next) : this.#admitSmall(next);
			if (!isTaken) return;
		}
	}

	#admitAlone({ data, to }: PendingSend<Destination>): boolean {
		if (this.#batches.length > 0) return false;
		const rc = this.#stalls.has(to) ? EAGAIN : this.#transmit(data, to);
		if (isFull(rc)) {
			this.#block(rc);
			return false;
		}
		if (rc < 0) this.ledger.drop(1);
		this.#waiting.settleFirst(rc < 0 ? transmitError(rc, to) : undefined);
		return true;
	}

	#admitSmall({ data, to }: PendingSend<Destination>): boolean {
		if (this.#batches.length === 0) this.#batches.push(takeBatch());
		const [batch] = this.#batches as [SendBatch];
		if (!batch.add(data, to, this.#setup.segmentation.strideMax)) return false;
		this.ledger.batchedBytes += data.length;
		this.#waiting.settleFirst();
		return true;
	}

	#sendBatches(): void {
		for (;;) {
			const batch = this.#batches[0];
			if (batch === undefined) return;
			const obstacle = this.#sender.send(batch);
			if (obstacle !== 0) {
				this.#block(obstacle);
				return;
			}
			this.#batches.shift();
			releaseBatch(batch);
		}
	}

	#transmit(data: Uint8Array, to: Destination): number {
		const { socket, errors } = this.#setup;
		let rc = transmit(socket.fd, data, to);
		if (rc < 0 && errors !== undefined && !isFull(rc) && errors.drain()) {
			rc = transmit(socket.fd, data, to);
		}
		if (rc >= 0) {
			this.ledger.sentCount++;
			this.ledger.sentBytes += data.length;
		}
		return rc;
	}

	#block(rc: number): void {
		this.#blocked = true;
		// ENOBUFS comes from a queue below the socket, of which poll(2) knows nothing.
		if (rc === ENOBUFS || !this.#setup.tellsRoom) {
			this.#stopSleep = this.#setup.socket.descriptor.sleep(LIMITS.sendRetryMs, () => this.ready());
			return;
		}
		try {
			this.#setup.socket.descriptor.awaitWritable(this);
		} catch (error) {
			this.#blocked = false;
			this.fail(error as Error);
		}
	}

	#unblock(): void {
		if (!this.#blocked) return;
		this.#blocked = false;
		this.#stopSleep?.();
		this.#setup.socket.descriptor.cancelWritable();
	}
}
