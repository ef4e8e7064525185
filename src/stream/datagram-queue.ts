/**
 * Datagrams on their way to the kernel. The first of a turn of the event loop leaves at once, so that an answer waits for nothing; those
 * that follow in the same turn are gathered and leave together when the program pauses, or when a batch is full.
 */
import { ClosedError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Waiter } from "../socket/descriptor.ts";
import { turnNumber } from "../socket/readiness.ts";
import type { Socket } from "../socket/socket.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import { EAGAIN, ENOBUFS } from "../sys/errno.ts";
import type { Destination } from "./destinations.ts";
import { type Flushable, noteWrite, scheduleFlush } from "./flush-scheduler.ts";
import type { Segmentation } from "./segmentation.ts";
import type { PassedErrors } from "./receive-room.ts";
import { type SegmentRun, segmentsLeft, sendSegments } from "./segment-run.ts";
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

/** A datagram that waits for room in the queue. */
interface Waiting {
	readonly data: Uint8Array;
	readonly to: Destination;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
	release: (() => void) | undefined;
}

// Bounds the memory of a queue of many tiny datagrams: a batch takes 80 KiB however little is in it.
const BATCHES_MAX = 8;

// Errors of the network that a run may meet and go on.
const RETRIES_MAX = 64;

/** Sends for one datagram socket. */
export class DatagramQueue implements Waiter, Flushable {
	sentCount = 0;
	droppedCount = 0;
	queuedBytes = 0;
	readonly #setup: DatagramQueueSetup;
	readonly #batches: SendBatch[] = [];
	#waiting: Waiting[] = [];
	#idle: (() => void)[] = [];
	#turn = -1;
	#scheduled = false;
	#blocked = false;
	#timer: NodeJS.Timeout | undefined;
	#untold: Error | undefined;
	#failure: Error | undefined;

	constructor(setup: DatagramQueueSetup) {
		this.#setup = setup;
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
		if (!this.#blocked) return DONE;
		if (options?.timeoutMs === 0) throw new TimeoutError(0);
		return await new Promise((resolve, reject) => {
			const release = supervise(options, (error) => {
				this.#idle = this.#idle.filter((each) => each !== onIdle);
				reject(error(0));
			});
			const onIdle = (): void => {
				release?.();
				resolve();
			};
			this.#idle.push(onIdle);
		});
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
		this.queuedBytes = 0;
		const waiting = this.#waiting;
		this.#waiting = [];
		this.droppedCount += waiting.length;
		for (const each of waiting) settle(each, error);
		this.#tellIdle();
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
		this.queuedBytes += data.length;
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
			this.#waiting.length > 0 ||
			this.queuedBytes + length > this.#setup.limitBytes ||
			this.#batches.length >= BATCHES_MAX ||
			length > SendBatch.dataBytes
		);
	}

	// Returns false when a batch had to leave first.
	#add(data: Uint8Array, to: Destination): boolean {
		const { strideMax } = this.#setup.segmentation;
		const last = this.#batches.at(-1);
		if (last?.add(data, to, strideMax)) return true;
		if (last !== undefined && !this.#blocked) this.#sendBatches();
		const batch = takeBatch();
		batch.add(data, to, strideMax);
		this.#batches.push(batch);
		return last === undefined;
	}

	#refuse(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#setup.drops) {
			this.droppedCount++;
			return DONE;
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		return new Promise((resolve, reject) => {
			const each: Waiting = { data, to, resolve, reject, release: undefined };
			this.#waiting.push(each);
			this.queuedBytes += data.length;
			each.release = supervise(options, (error) => {
				this.#waiting.splice(this.#waiting.indexOf(each), 1);
				this.queuedBytes -= data.length;
				reject(error(0));
			});
		});
	}

	// Sends until nothing is queued or the kernel is full.
	#pump(): void {
		for (;;) {
			this.#sendBatches();
			if (this.#blocked) return;
			if (this.#waiting.length === 0) break;
			this.#admit();
			if (this.#blocked) return;
		}
		if (this.#idle.length > 0) this.#tellIdle();
	}

	// Takes from those that wait what fits into one batch.
	#admit(): void {
		const waiting = this.#waiting;
		const batch = takeBatch();
		this.#batches.push(batch);
		let admitted = 0;
		for (const each of waiting) {
			const { data, to } = each;
			if (data.length > LIMITS.writeCopyBytes) {
				if (batch.rows > 0) break;
				const rc = this.#transmit(data, to);
				if (isFull(rc)) {
					this.#block(rc);
					break;
				}
				this.queuedBytes -= data.length;
				if (rc < 0) this.droppedCount++;
				settle(each, rc < 0 ? syscallError("sendto", rc, to.target) : undefined);
			} else {
				if (!batch.add(data, to, this.#setup.segmentation.strideMax)) break;
				settle(each, undefined);
			}
			admitted++;
		}
		waiting.splice(0, admitted);
		if (batch.rows === 0) releaseBatch(this.#batches.pop() as SendBatch);
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
			if (rc >= 0) this.#count(batch, rc);
			else if (isFull(rc)) this.#block(rc);
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
			this.queuedBytes -= batch.bytes(batch.next);
		}
	}

	#drop(batch: SendBatch, rc: number): void {
		const row = batch.next++;
		this.#untold ??= syscallError("sendmmsg", rc, batch.destination(row).target);
		this.droppedCount += batch.segments(row);
		this.queuedBytes -= batch.bytes(row);
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
			this.queuedBytes -= batch.dropFirst(row);
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
			this.#timer = setTimeout(() => this.ready(), LIMITS.sendRetryMs);
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
		clearTimeout(this.#timer);
		this.#setup.socket.descriptor.cancelWritable();
	}

	#tellIdle(): void {
		const idle = this.#idle;
		this.#idle = [];
		for (const tell of idle) tell();
	}
}

function isFull(rc: number): boolean {
	return rc === EAGAIN || rc === ENOBUFS;
}

function settle({ resolve, reject, release }: Waiting, error: Error | undefined): void {
	release?.();
	if (error === undefined) resolve();
	else reject(error);
}
