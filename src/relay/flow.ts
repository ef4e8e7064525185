/**
 * One direction of a relay between sockets. It ends with the end of its source, handed on to its sink; or with the failure of one of them.
 */
import { ClosedError, syscallError } from "../errors.ts";
import { pendingError } from "../socket/connecting.ts";
import type { Waiter } from "../socket/descriptor.ts";
import { turnNumber } from "../socket/readiness.ts";
import type { Socket } from "../socket/socket.ts";
import { SHUT_WR } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, EINVAL, ENOTCONN } from "../sys/errno.ts";
import { BUFFER_BYTES, type Carrier, enter, leave, takeBuffer, takePipe } from "./carrier.ts";
import { whyNoEnd } from "./peer-end.ts";
import { TurnShare } from "./turn-share.ts";
import type { Way, WayEnd } from "./way.ts";

// Carriers at a visit: pieces can be short.
const ROUNDS_MAX = 16;
// A piece as short as this has left nothing behind, as a rule: an event tells sooner than a call that finds nothing.
const SHORT_BYTES = 16_384;

const shares = new TurnShare();

/** Moves bytes from one socket to another until the end. */
export class Flow implements Waiter, Way {
	bytes = 0;
	readonly #source: Socket;
	readonly #sink: Socket;
	readonly #onEnd: (end: WayEnd) => void;
	// What was read ahead, to be handed on first.
	#first: Uint8Array;
	#carrier: Carrier | undefined;
	#splices = true;
	// Since a large piece came, and until a short one does. Short ones are copied in less time than spliced, and their connections need no pipe.
	#isBulk = false;
	#isShort = false;
	#atEnd = false;
	#over = false;
	#doubt: Error | undefined;

	/** @param first taken */
	constructor(source: Socket, sink: Socket, first: Uint8Array, onEnd: (end: WayEnd) => void) {
		this.#source = source;
		this.#sink = sink;
		this.#first = first;
		this.#onEnd = onEnd;
		enter();
	}

	/** Begins, or goes on. */
	ready(): void {
		if (this.#over) return;
		const share = shares.take(turnNumber());
		const bytesMax = this.bytes + share;
		for (let round = 0; ; round++) {
			if (!this.#drain()) return;
			if (this.#atEnd) {
				this.#finish();
				return;
			}
			// The event comes again at once if there is more, but after the others'.
			if (this.#isShort || this.bytes >= bytesMax || round === ROUNDS_MAX) {
				this.#isShort = false;
				this.#await("read");
				return;
			}
			if (!this.#fill(share)) return;
		}
	}

	/** One of the sockets was closed: by the relay, which has stopped this then, or by somebody who still held it. */
	closed(): void {
		if (!this.#over) this.#end(new ClosedError(), false);
	}

	doubtEnd(failure: Error): void {
		this.#doubt = failure;
	}

	stop(): void {
		if (this.#over) return;
		this.#over = true;
		this.#giveBack();
		leave();
	}

	// Returns whether everything under way has left; otherwise somebody waits, or it has failed.
	#drain(): boolean {
		while (this.#first.length > 0) {
			const rc = sys.send(this.#sink.fd, this.#first, 0, this.#first.length, 0);
			if (!this.#sent(rc)) return false;
			this.#first = this.#first.subarray(rc);
		}
		const carrier = this.#carrier;
		while (carrier !== undefined && carrier.pendingBytes > 0) {
			if (!this.#sent(carrier.drain(this.#sink.fd))) return false;
		}
		this.#giveBack();
		return true;
	}

	#sent(rc: number): boolean {
		if (rc >= 0) this.bytes += rc;
		else if (rc === EAGAIN) this.#await("write");
		else this.#fail("send", rc);
		return rc >= 0;
	}

	// Returns whether there is something to hand on, or the end.
	#fill(maxBytes: number): boolean {
		this.#carrier ??= this.#take();
		const rc = this.#carrier.fill(this.#source.fd, maxBytes);
		if (rc > 0) {
			this.#isShort = rc < SHORT_BYTES;
			this.#isBulk = rc >= BUFFER_BYTES || (this.#isBulk && !this.#isShort);
			return true;
		}
		if (rc === EINVAL && this.#splices) {
			this.#giveBack();
			this.#splices = false;
			return true;
		}
		this.#giveBack();
		if (rc === 0) this.#atEnd = true;
		else if (rc === EAGAIN) this.#await("read");
		else this.#fail("recv", rc);
		return rc === 0;
	}

	#take(): Carrier {
		return (this.#splices && this.#isBulk ? takePipe() : undefined) ?? takeBuffer();
	}

	#giveBack(): void {
		this.#carrier?.release();
		this.#carrier = undefined;
	}

	#await(direction: "read" | "write"): void {
		try {
			if (direction === "read") this.#source.descriptor.awaitReadable(this);
			else this.#sink.descriptor.awaitWritable(this);
		} catch (error) {
			this.#end(error as Error, direction === "write");
		}
	}

	#finish(): void {
		const cut = this.#doubt && whyNoEnd(this.#source, this.#doubt);
		if (cut !== undefined) {
			this.#end(cut, false);
			return;
		}
		const rc = sys.shutdown(this.#sink.fd, SHUT_WR);
		if (rc === ENOTCONN) this.#fail("shutdown", -pendingError(this.#sink) || rc);
		else if (rc < 0) this.#fail("shutdown", rc);
		else this.#end(undefined, false);
	}

	#fail(syscall: string, rc: number): void {
		this.#end(syscallError(syscall, rc), syscall !== "recv");
	}

	#end(error: Error | undefined, isSinkBroken: boolean): void {
		this.stop();
		this.#onEnd({ error, isSinkBroken });
	}
}
