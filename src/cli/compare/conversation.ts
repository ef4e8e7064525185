/** What a client measures over one link: a greeting, round trips, runs in one direction. */
import { type Link, PeerError } from "./link.ts";
import {
	type Control,
	encodeControl,
	LAST,
	markOf,
	type Operation,
	PROTOCOL_VERSION,
} from "./protocol.ts";
import type { Samples } from "./samples.ts";

/** How fast messages got through in one direction. */
export interface Flow {
	/** Messages that arrived per second. */
	readonly perSecond: number;
	/** Share of the messages sent that did not arrive, 0..1. */
	readonly lost: number;
}

/** Bytes between two looks at the clock while sending without a pause. */
const BURST_BYTES = 65_536;
const BURST_MAX = 64;
/** Round trips that are made even when the time is up. */
const ROUND_TRIPS_MIN = 10;
/** Nothing happened for so long: no server of ours is there. */
const GREETING_MS = 5_000;
/** The same later, when much that was sent may still be on its way through a slow network. */
const SILENCE_MS = 30_000;

/** A client's conversation with a comparison server. */
export class Conversation {
	readonly #link: Link;
	readonly #guard: NodeJS.Timeout;
	#run = 0;
	#pulse = 0;
	#patienceMs = GREETING_MS;
	#silence: Error | undefined;

	/** @param link taken: it is closed with the conversation */
	constructor(link: Link) {
		this.#link = link;
		let seen = 0;
		let silentMs = 0;
		this.#guard = setInterval(() => {
			const pulse = this.#pulse + link.progress;
			silentMs = pulse === seen ? silentMs + GREETING_MS : 0;
			seen = pulse;
			if (silentMs < this.#patienceMs) return;
			this.#silence = new PeerError(`no answer within ${this.#patienceMs / 1000} s`);
			this.abort();
		}, GREETING_MS);
	}

	/**
	 * Makes sure that a comparison server of this version is there.
	 *
	 * @throws {PeerError} it is not
	 */
	async greet(): Promise<void> {
		const reply = await this.#link.request(encodeControl("hello"));
		const { version } = expect("welcome", reply);
		this.#patienceMs = SILENCE_MS;
		if (version === PROTOCOL_VERSION) return;
		throw new PeerError(
			`it speaks version ${version} of the protocol, this program version ${PROTOCOL_VERSION}; use the same version of socketry on both sides`,
		);
	}

	/**
	 * Sends messages back and forth, one at a time, until the time or the room for samples is used up.
	 *
	 * @returns round trips that had to be repeated; they are not among the samples
	 */
	async roundTrips(size: number, durationMs: number, samples: Samples): Promise<number> {
		await this.#begin("echo", size);
		const message = new Uint8Array(size);
		const reply = new Uint8Array(size);
		const resentBefore = this.#link.resentCount;
		const end = performance.now() + durationMs;
		let hasRoom = true;
		let number = 0;
		for (let now = 0; hasRoom && (now < end || number < ROUND_TRIPS_MIN); number++) {
			message[0] = markOf(number, false);
			const resent = this.#link.resentCount;
			const start = performance.now();
			await this.#exchange(message, reply);
			now = performance.now();
			this.#pulse++;
			if (this.#link.resentCount === resent) hasRoom = samples.add((now - start) * 1000);
		}
		message[0] = markOf(number, true);
		await this.#exchange(message, reply);
		return this.#link.resentCount - resentBefore;
	}

	/** Sends messages without waiting for anything but room, and asks what has arrived. */
	async flow(size: number, durationMs: number): Promise<Flow> {
		await this.#begin("drain", size);
		const message = new Uint8Array(size);
		const burst = Math.max(1, Math.min(BURST_MAX, Math.floor(BURST_BYTES / size)));
		const start = performance.now();
		let sent = 1;
		do {
			for (let i = 0; i < burst; i++) await this.#link.send(message);
			sent += burst;
			this.#pulse++;
		} while (performance.now() - start < durationMs);
		const last = new Uint8Array(size);
		last[0] = LAST;
		const { tally } = expect("tally", await this.#link.conclude(last, this.#run));
		const elapsedMs = performance.now() - start;
		// A run so short that it arrived at one stroke has no length of its own.
		const perMs =
			tally.elapsedMs > 0 && tally.timed > 0
				? tally.timed / tally.elapsedMs
				: tally.messages / elapsedMs;
		return { perSecond: perMs * 1000, lost: Math.max(0, 1 - tally.messages / sent) };
	}

	/** Ends the conversation. */
	async close(): Promise<void> {
		clearInterval(this.#guard);
		await this.#link.close();
	}

	/** Breaks the conversation off; what is pending rejects. */
	abort(): void {
		clearInterval(this.#guard);
		this.#link.abort();
	}

	/** What went wrong, in the words of the one who noticed first. */
	reasonFor(error: unknown): unknown {
		return this.#silence ?? error;
	}

	async #exchange(message: Uint8Array, reply: Uint8Array): Promise<void> {
		await this.#link.send(message);
		do {
			if (!(await this.#link.receive(reply))) throw new PeerError("it ends the conversation");
		} while (reply[0] !== message[0]);
	}

	async #begin(operation: "echo" | "drain", size: number): Promise<void> {
		this.#run = (this.#run + 1) & 0xffff;
		const frame = encodeControl(operation, { run: this.#run, size });
		expect("ready", await this.#link.request(frame));
	}
}

function expect(operation: Operation, reply: Control): Control {
	if (reply.operation === operation) return reply;
	throw new PeerError(
		reply.operation === "refuse"
			? "it refuses: it has as many conversations as it allows, or allows smaller messages only"
			: `it answers ${reply.operation}, not ${operation}`,
	);
}
