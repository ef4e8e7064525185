/**
 * Datagrams on their way to the kernel. The first of a turn of the event loop leaves at once, so that an answer waits for nothing; those
 * that follow in the same turn are gathered and leave together when the program pauses, or when a batch is full.
 */
import { ClosedError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Waiter } from "../socket/descriptor.ts";
import { turnNumber } from "../socket/readiness.ts";
import type { Socket } from "../socket/socket.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { EAGAIN, ENOBUFS } from "../sys/errno.ts";
import type { Destination } from "./destinations.ts";
import { type Flushable, noteWrite, scheduleFlush } from "./flush-scheduler.ts";
import { EmptyWaiters, type PendingSend, PendingSends } from "./pending-sends.ts";
import type { PassedErrors } from "./receive-room.ts";
import { type SegmentRun, segmentsLeft, sendSegments } from "./segment-run.ts";
import type { Segmentation } from "./segmentation.ts";
import { releaseBatch, SendBatch, takeBatch } from "./send-batch.ts";
import { transmit } from "./transmit.ts";
import { afterSend, DONE } from "./turn-budget.ts";

/** What a queue has to know of its socket. */
export interface DatagramQueueSetup {
	/** Held, so that it is not collected while somebody waits for the queue. */
	readonly socket: Socket;
	/** Whether the socket has one peer: a failure may then be that of an earlier datagram. */
	readonly isConnected: boolean;
	/** Whether the socket becomes writable when there is room at the peer; an unconnected Unix socket always is. */
	readonly tellsRoom: boolean;
	readonly segmentation: Segmentation;
	/** Where ICMP errors go; undefined when the calls fail for them. */
	readonly errors: PassedErrors | undefined;
	/** Bytes from which the queue is full. */
	readonly limitBytes: number;
	/** Whether a datagram for which there is no room is dropped. */
	readonly drops: boolean;
}

// Bounds the memory of a queue of many tiny datagrams: a batch takes 80 KiB however little is in it.
const BATCHES_MAX = 8;

// Errors of the network that a run may meet and go on.
const RETRIES_MAX = 64;

/** Sends for one datagram socket. */
export class DatagramQueue implements Waiter, Flushable {
	sentCount = 0;
	droppedCount = 0;
	readonly #setup: DatagramQueueSetup;
	readonly #batches: SendBatch[] = [];
	readonly #waiting = new PendingSends<Destination>();
	readonly #waiters = new EmptyWaiters();
	#batchedBytes = 0;
	#turn = -1;
	#scheduled = false;
	#blocked = false;
	#stopSleep: (() => void) | undefined;
	#untold: Error | undefined;
	#failure: Error | undefined;

	constructor(setup: DatagramQueueSetup) {
		this.#setup = setup;
	}

	/** Bytes of datagrams that the kernel has not taken yet. */
	get queuedBytes(): number {
		return this.#batchedBytes + this.#waiting.bytes;
	}

	/** Sends one datagram; see `DatagramChannel.send`. */
	send(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#untold !== undefined && this.#setup.isConnected) {
			return Promise.reject(this.takeUntold());
		}
		const turn = turnNumber();
		if (turn === this.#turn && data.length <= LIMITS.writeCopyBytes) {
			return this.#gather(data, to, options);
		}
		this.#turn = turn;
		if (this.#batches.length > 0 && !this.#blocked) this.#pump();
		if (this.#blocked) return this.#gather(data, to, options);
		const rc = this.#transmit(data, to);
		if (rc >= 0) return afterSend();
		if (!isFull(rc)) return Promise.reject(syscallError("sendto", rc, to.target));
		this.#block(rc);
		return this.#gather(data, to, options);
	}

	/** Sends one datagram now, or returns false. */
	trySend(data: Uint8Array, to: Destination): boolean {
		if (this.#untold !== undefined && this.#setup.isConnected) throw this.takeUntold();
		if (this.#batches.length > 0 && !this.#blocked) this.#pump();
		if (this.#blocked) return false;
		const rc = this.#transmit(data, to);
		if (rc < 0 && !isFull(rc)) throw syscallError("sendto", rc, to.target);
		return rc >= 0;
	}

	/** Sends a run of datagrams after what is queued; `sentBytes` of it tells how far it came. */
	async sendRun(run: SegmentRun, options: WaitOptions | undefined): Promise<void> {
		const { segmentation } = this.#setup;
		let blamed = 0;
		let retries = 0;
		while (segmentsLeft(run) > 0) {
			await this.drain(options);
			if (this.#failure !== undefined) throw this.#failure;
			const isGlued = run.stride <= segmentation.strideMax && blamed === 0;
			const rc = sendSegments(this.#setup.socket.fd, run, isGlued);
			if (rc >= 0) {
				this.sentCount += rc;
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
		if (!this.#blocked) return;
		if (options?.timeoutMs === 0) throw new TimeoutError(0);
		await this.#waiters.wait(options);
	}

	/** The first failure that no caller has been told of; told by this. */
	takeUntold(): Error | undefined {
		const untold = this.#untold;
		this.#untold = undefined;
		return untold;
	}

	/** Gives everything up: what waits rejects with `error`, what is queued is dropped. */
	fail(error: Error): void {
		if (this.#failure !== undefined) return;
		this.#failure = error;
		this.#unblock();
		for (const batch of this.#batches) {
			for (let row = batch.next; row < batch.rows; row++) this.droppedCount += batch.segments(row);
			releaseBatch(batch);
		}
		this.#batches.length = 0;
		this.#batchedBytes = 0;
		this.droppedCount += this.#waiting.failAll(error);
		this.#waiters.tell();
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

	#gather(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#blocked && this.#isFull(data)) return this.#refuse(data, to, options);
		const filled = !this.#add(data, to);
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

	// Returns false when a batch had to leave first.
	#add(data: Uint8Array, to: Destination): boolean {
		const { strideMax } = this.#setup.segmentation;
		const last = this.#batches.at(-1);
		if (last?.add(data, to, strideMax)) {
			this.#batchedBytes += data.length;
			return true;
		}
		if (last !== undefined && !this.#blocked) this.#sendBatches();
		const batch = takeBatch();
		batch.add(data, to, strideMax);
		this.#batchedBytes += data.length;
		this.#batches.push(batch);
		return last === undefined;
	}

	#refuse(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#setup.drops) {
			this.droppedCount++;
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
		this.#waiters.tell();
	}

	// Takes the first of those that wait, and what fits into one batch with it.
	#admit(): void {
		for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
			const isTaken =
				next.data.length > LIMITS.writeCopyBytes ? this.#admitLarge(next) : this.#admitSmall(next);
			if (!isTaken) return;
		}
	}

	#admitLarge({ data, to }: PendingSend<Destination>): boolean {
		if (this.#batches.length > 0) return false;
		const rc = this.#transmit(data, to);
		if (isFull(rc)) {
			this.#block(rc);
			return false;
		}
		if (rc < 0) this.droppedCount++;
		this.#waiting.settleFirst(rc < 0 ? syscallError("sendto", rc, to.target) : undefined);
		return true;
	}

	#admitSmall({ data, to }: PendingSend<Destination>): boolean {
		if (this.#batches.length === 0) this.#batches.push(takeBatch());
		const [batch] = this.#batches as [SendBatch];
		if (!batch.add(data, to, this.#setup.segmentation.strideMax)) return false;
		this.#batchedBytes += data.length;
		this.#waiting.settleFirst();
		return true;
	}

	#sendBatches(): void {
		for (;;) {
			const batch = this.#batches[0];
			if (batch === undefined) return;
			this.#sendBatch(batch);
			if (this.#blocked) return;
			this.#batches.shift();
			releaseBatch(batch);
		}
	}

	#sendBatch(batch: SendBatch): void {
		const { fd } = this.#setup.socket;
		let retried = -1;
		while (batch.next < batch.rows) {
			const rc = batch.send(fd);
			if (rc >= 0) {
				this.#count(batch, rc);
				// With one peer a short count is a full queue, as a rule; if it is not, the next call tells.
				if (this.#setup.isConnected && batch.next < batch.rows) this.#block(EAGAIN);
			} else if (isFull(rc)) this.#block(rc);
			else if (batch.segments(batch.next) > 1 && this.#setup.segmentation.mayBlame(rc)) {
				this.#sendApart(batch, rc);
			} else if (retried !== batch.next && this.#isOld(rc, batch.destination(batch.next))) {
				retried = batch.next;
			} else this.#drop(batch, rc);
			if (this.#blocked) return;
		}
	}

	// Whether it may be the failure of an earlier datagram, which ICMP has reported since: then this one has not been tried.
	#isOld(rc: number, { target }: Destination): boolean {
		const { errors, isConnected } = this.#setup;
		if (errors !== undefined) return errors.drain();
		if (isConnected) this.#untold ??= syscallError("sendmmsg", rc, target);
		return isConnected;
	}

	#count(batch: SendBatch, rows: number): void {
		for (const end = batch.next + rows; batch.next < end; batch.next++) {
			this.sentCount += batch.segments(batch.next);
			this.#batchedBytes -= batch.bytes(batch.next);
		}
	}

	#drop(batch: SendBatch, rc: number): void {
		const row = batch.next++;
		this.#untold ??= syscallError("sendmmsg", rc, batch.destination(row).target);
		this.droppedCount += batch.segments(row);
		this.#batchedBytes -= batch.bytes(row);
	}

	// What failed as several datagrams in one message is sent one by one; when that works, it was their being several.
	#sendApart(batch: SendBatch, failure: number): void {
		const { fd } = this.#setup.socket;
		const row = batch.next;
		const { target } = batch.destination(row);
		while (batch.segments(row) > 0) {
			const rc = batch.sendFirstApart(fd, row);
			if (isFull(rc)) {
				this.#block(rc);
				return;
			}
			if (rc < 0) {
				this.droppedCount++;
				this.#untold ??= syscallError("sendto", rc, target);
			} else {
				this.sentCount++;
				this.#setup.segmentation.degrade(failure, batch.stride(row));
			}
			this.#batchedBytes -= batch.dropFirst(row);
		}
		batch.next++;
	}

	#transmit(data: Uint8Array, to: Destination): number {
		const { socket, errors } = this.#setup;
		let rc = transmit(socket.fd, data, to);
		if (rc < 0 && errors !== undefined && !isFull(rc) && errors.drain()) {
			rc = transmit(socket.fd, data, to);
		}
		if (rc >= 0) this.sentCount++;
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

function isFull(rc: number): boolean {
	return rc === EAGAIN || rc === ENOBUFS;
}
