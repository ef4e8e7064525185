/** A conversation over a connection that keeps message boundaries. */
import { type PacketStream, TruncatedError } from "../../index.ts";
import { type Link, PeerError, requestOver } from "./link.ts";
import { type Control, LAST, type Tally } from "./protocol.ts";

/** A `Link` over seqpacket. */
export class PacketLink implements Link {
	readonly resentCount = 0;
	progress = 0;
	readonly #packets: PacketStream;

	constructor(packets: PacketStream) {
		this.#packets = packets;
	}

	request(frame: Uint8Array): Promise<Control> {
		return requestOver(this, frame);
	}

	conclude(message: Uint8Array): Promise<Control> {
		return requestOver(this, message);
	}

	send(message: Uint8Array): Promise<void> {
		return this.#packets.send(message);
	}

	async receive(target: Uint8Array): Promise<boolean> {
		const length = await this.#receive(target);
		if (length === null) return false;
		if (length !== target.length) {
			throw new PeerError(`a message of ${length} bytes came, not of ${target.length}`);
		}
		return true;
	}

	async drain(size: number): Promise<Tally> {
		const target = new Uint8Array(size);
		let messages = 0;
		let first = 0;
		let last = 0;
		do {
			if (!(await this.receive(target))) {
				throw new PeerError("the other side ended in the middle of a run");
			}
			last = performance.now();
			if (messages === 0) first = last;
			messages++;
		} while (((target[0] as number) & LAST) === 0);
		return { messages, timed: messages - 1, elapsedMs: last - first };
	}

	close(): Promise<void> {
		return this.#packets.close();
	}

	abort(): void {
		this.#packets.abort();
	}

	async #receive(target: Uint8Array): Promise<number | null> {
		try {
			const length = await this.#packets.receiveInto(target);
			this.progress++;
			return length;
		} catch (error) {
			if (!(error instanceof TruncatedError)) throw error;
			throw new PeerError(`a message of ${error.actual} bytes came, not of ${target.length}`);
		}
	}
}
