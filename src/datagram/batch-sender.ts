/** Sends the messages of a batch, and copes with each way in which one can fail. */
import { syscallError } from "../errors.ts";
import type { PassedErrors } from "../packet/receive-room.ts";
import { tellDropped, tellError } from "../socket/diagnostics.ts";
import type { Socket } from "../socket/socket.ts";
import { EAGAIN } from "../sys/errno.ts";
import type { Destination } from "./destinations.ts";
import type { Segmentation } from "./segmentation.ts";
import type { SendBatch } from "./send-batch.ts";
import type { StalledPeers } from "./stalled-peers.ts";
import { isFull } from "./transmit.ts";

/** What has become of the datagrams of one socket. */
export class SendLedger {
	/** Datagrams that the kernel has taken. */
	sentCount = 0;
	/** Bytes of them. */
	sentBytes = 0;
	/** Bytes in batches that have not left. */
	batchedBytes = 0;
	readonly #socket: Socket;
	#droppedCount = 0;
	#untold: Error | undefined;

	constructor(socket: Socket) {
		this.#socket = socket;
	}

	/** Datagrams that were taken from callers and not sent. */
	get droppedCount(): number {
		return this.#droppedCount;
	}

	/** Counts datagrams that are not sent. */
	drop(count: number): void {
		this.#droppedCount += count;
		tellDropped(this.#socket, "datagrams", count);
	}

	/** Whether a failure has not been told. */
	get hasUntold(): boolean {
		return this.#untold !== undefined;
	}

	/** Keeps a failure until it can be told; the first one, if there are several. */
	keepUntold(error: Error): void {
		this.#untold ??= error;
		tellError(this.#socket, "send", error);
	}

	/** The failure that was kept; told by this. */
	takeUntold(): Error | undefined {
		const untold = this.#untold;
		this.#untold = undefined;
		return untold;
	}
}

/** How a socket sends. */
export interface SendSetup {
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

/** Sends batches for one datagram socket. */
export class BatchSender {
	readonly #setup: SendSetup;
	readonly #ledger: SendLedger;
	readonly #stalls: StalledPeers;
	// Why it cannot go on; 0 when it can.
	#obstacle = 0;

	constructor(setup: SendSetup, ledger: SendLedger, stalls: StalledPeers) {
		this.#setup = setup;
		this.#ledger = ledger;
		this.#stalls = stalls;
	}

	/** Sends until nothing is left (0) or the socket is full (-errno). */
	send(batch: SendBatch): number {
		this.#obstacle = 0;
		let retried = -1;
		while (batch.next < batch.rows && this.#obstacle === 0) {
			const row = batch.next;
			if (this.#stalls.has(batch.destination(row))) {
				this.#stall(batch);
				continue;
			}
			// One by one while a later one may be to a peer that is stalled.
			const count = this.#stalls.count > 0 ? 1 : batch.together;
			const rc = batch.send(this.#setup.socket.fd, count);
			if (rc >= 0) this.#count(batch, rc, rc < count);
			else if (isFull(rc)) this.#full(batch, rc);
			else if (batch.segments(row) > 1 && this.#setup.segmentation.mayBlame(rc)) {
				this.#sendApart(batch, rc);
			} else if (retried !== row && this.#isOld(rc, batch.destination(row))) retried = row;
			else this.#drop(batch, rc);
		}
		return this.#obstacle;
	}

	#full(batch: SendBatch, rc: number): void {
		if (this.#setup.tellsRoom) this.#obstacle = rc;
		else this.#stall(batch);
	}

	#stall(batch: SendBatch): void {
		const row = batch.next++;
		this.#ledger.batchedBytes -= batch.bytes(row);
		this.#stalls.take(batch.data(row), batch.destination(row));
	}

	// Whether it may be the failure of an earlier datagram, which ICMP has reported since: then this one has not been tried.
	#isOld(rc: number, { target }: Destination): boolean {
		const { errors, isConnected } = this.#setup;
		if (errors !== undefined) return errors.drain();
		if (isConnected) this.#ledger.keepUntold(syscallError("sendmmsg", rc, target));
		return isConnected;
	}

	#count(batch: SendBatch, rows: number, isShort: boolean): void {
		const ledger = this.#ledger;
		for (const end = batch.next + rows; batch.next < end; batch.next++) {
			const bytes = batch.bytes(batch.next);
			ledger.sentCount += batch.segments(batch.next);
			ledger.sentBytes += bytes;
			ledger.batchedBytes -= bytes;
		}
		// With one peer a short count is a full queue, as a rule; if it is not, the next call tells.
		if (this.#setup.isConnected && isShort) this.#obstacle = EAGAIN;
	}

	#drop(batch: SendBatch, rc: number): void {
		const row = batch.next++;
		this.#ledger.keepUntold(syscallError("sendmmsg", rc, batch.destination(row).target));
		this.#ledger.drop(batch.segments(row));
		this.#ledger.batchedBytes -= batch.bytes(row);
	}

	// What failed as several datagrams in one message is sent one by one; when that works, it was their being several.
	#sendApart(batch: SendBatch, failure: number): void {
		const { socket, segmentation } = this.#setup;
		const row = batch.next;
		const { target } = batch.destination(row);
		while (batch.segments(row) > 0) {
			const rc = batch.sendFirstApart(socket.fd, row);
			if (isFull(rc)) {
				this.#obstacle = rc;
				return;
			}
			if (rc < 0) {
				this.#ledger.drop(1);
				this.#ledger.keepUntold(syscallError("sendto", rc, target));
			} else {
				this.#ledger.sentCount++;
				segmentation.degrade(failure, batch.stride(row));
			}
			const bytes = batch.dropFirst(row);
			if (rc >= 0) this.#ledger.sentBytes += bytes;
			this.#ledger.batchedBytes -= bytes;
		}
		batch.next++;
	}
}
