/** A conversation over a stream of bytes: messages are told apart by their known size. */
import { type Link, PeerError, requestOver } from "./link.ts";
import {
	CONTROL_BYTES,
	type Control,
	decodeControl,
	isControl,
	LAST,
	type Tally,
} from "./protocol.ts";

/** What is needed of a stream. */
export interface ByteChannel {
	/** Reads between 1 and `target.length` bytes; 0 at the end. */
	readInto(target: Uint8Array): Promise<number>;
	/** Writes all of it; resolves when there is room for more. */
	write(data: Uint8Array): Promise<void>;
	close(): Promise<void>;
	abort(): void;
}

const CHUNK_BYTES = 65_536;

/** A `Link` over a stream. */
export class ByteLink implements Link {
	readonly resentCount = 0;
	progress = 0;
	readonly #channel: ByteChannel;
	#chunk: Uint8Array | undefined;

	constructor(channel: ByteChannel) {
		this.#channel = channel;
	}

	// A peer of another protocol may say less than a frame and wait: its first bytes tell.
	async request(frame: Uint8Array): Promise<Control> {
		await this.send(frame);
		const reply = new Uint8Array(CONTROL_BYTES);
		const filled = await this.#channel.readInto(reply);
		this.progress += filled;
		if (filled === 0) throw new PeerError("it ends the conversation");
		const rest = reply.subarray(filled);
		if (isControl(reply) && (rest.length === 0 || (await this.receive(rest)))) {
			const control = decodeControl(reply);
			if (control !== undefined) return control;
		}
		throw new PeerError("it answers in another protocol");
	}

	conclude(message: Uint8Array): Promise<Control> {
		return requestOver(this, message);
	}

	send(message: Uint8Array): Promise<void> {
		return this.#channel.write(message);
	}

	async receive(target: Uint8Array): Promise<boolean> {
		let filled = await this.#channel.readInto(target);
		this.progress += filled;
		if (filled === 0) return false;
		while (filled < target.length) {
			const read = await this.#channel.readInto(target.subarray(filled));
			if (read === 0) throw new PeerError("the other side ended in the middle of a message");
			filled += read;
			this.progress += read;
		}
		return true;
	}

	async drain(size: number): Promise<Tally> {
		this.#chunk ??= new Uint8Array(CHUNK_BYTES);
		let total = 0;
		let untimed = 0;
		let mark = 0;
		let first = 0;
		let last = 0;
		do {
			const read = await this.#channel.readInto(this.#chunk);
			if (read === 0) throw new PeerError("the other side ended in the middle of a run");
			last = performance.now();
			if (total === 0) {
				first = last;
				untimed = read;
			}
			mark = lastMark(this.#chunk, read, (size - (total % size)) % size, size) ?? mark;
			total += read;
			this.progress += read;
		} while (total % size !== 0 || (mark & LAST) === 0);
		return { messages: total / size, timed: (total - untimed) / size, elapsedMs: last - first };
	}

	close(): Promise<void> {
		return this.#channel.close();
	}

	abort(): void {
		this.#channel.abort();
	}
}

// The mark of the last message that begins within the chunk; undefined when none begins there.
function lastMark(
	chunk: Uint8Array,
	length: number,
	firstStart: number,
	size: number,
): number | undefined {
	if (firstStart >= length) return undefined;
	return chunk[firstStart + Math.floor((length - 1 - firstStart) / size) * size];
}
