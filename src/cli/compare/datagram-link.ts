/** The client's end of a conversation over datagrams, which may be lost, doubled and late. */
import { type Datagrams, TimeoutError } from "../../index.ts";
import { type Link, PeerError } from "./link.ts";
import {
	type Control,
	decodeControl,
	encodeControl,
	isControl,
	type Operation,
	type Tally,
} from "./protocol.ts";

/** What may answer a request. */
const REPLIES: Partial<Record<Operation, readonly Operation[]>> = {
	hello: ["welcome", "prove"],
	echo: ["ready"],
	drain: ["ready"],
	report: ["tally"],
};

const FIRST_PATIENCE_MS = 50;
const PATIENCE_MAX_MS = 1_000;
const REQUEST_MS = 5_000;
const RESEND_MIN_MS = 100;
/** A message is sent again after so many times the round trip of the greeting. */
const RESEND_ROUND_TRIPS = 5;

/** A `Link` over a connected datagram socket. */
export class DatagramLink implements Link {
	progress = 0;
	resentCount = 0;
	readonly #socket: Datagrams;
	#lastSent: Uint8Array | undefined;
	#resendMs = PATIENCE_MAX_MS;
	#waitingTicks = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(socket: Datagrams) {
		this.#socket = socket;
	}

	async request(frame: Uint8Array): Promise<Control> {
		const start = performance.now();
		const { operation, run } = decodeControl(frame) as Control;
		for (let patienceMs = FIRST_PATIENCE_MS; performance.now() - start < REQUEST_MS; ) {
			const sent = performance.now();
			await this.#socket.send(frame);
			const reply = await this.#awaitReply(REPLIES[operation] ?? [], run, patienceMs);
			patienceMs = Math.min(2 * patienceMs, PATIENCE_MAX_MS);
			if (reply === undefined) continue;
			if (operation === "hello") this.#pace(performance.now() - sent);
			if (reply.operation !== "prove") return reply;
			// The same question again, with the proof that we receive at our address.
			return await this.request(encodeControl("hello", { proof: reply.proof }));
		}
		throw new PeerError(`no answer within ${REQUEST_MS / 1000} s`);
	}

	// The last message may be lost as any other.
	async conclude(message: Uint8Array, run: number): Promise<Control> {
		await this.send(message);
		return await this.request(encodeControl("report", { run }));
	}

	send(message: Uint8Array): Promise<void> {
		this.#lastSent = message;
		return this.#socket.send(message);
	}

	async receive(target: Uint8Array): Promise<boolean> {
		this.#waitingTicks = 1;
		for (;;) {
			const { data } = await this.#socket.receive();
			this.progress++;
			if (isControl(data) || data.length !== target.length) continue;
			target.set(data);
			this.#waitingTicks = 0;
			return true;
		}
	}

	drain(): Promise<Tally> {
		return Promise.reject(new PeerError("only the server counts"));
	}

	close(): Promise<void> {
		clearInterval(this.#timer);
		return this.#socket.close();
	}

	abort(): void {
		clearInterval(this.#timer);
		this.#socket.abort();
	}

	async #awaitReply(
		wanted: readonly Operation[],
		run: number,
		patienceMs: number,
	): Promise<Control | undefined> {
		const end = performance.now() + patienceMs;
		for (let leftMs = patienceMs; leftMs > 0; leftMs = end - performance.now()) {
			const data = await this.#receiveWithin(Math.ceil(leftMs));
			if (data === undefined) return undefined;
			const reply = decodeControl(data);
			if (reply === undefined) {
				if (wanted.includes("welcome")) throw new PeerError("it answers in another protocol");
				continue;
			}
			if (reply.operation === "refuse") return reply;
			if (wanted.includes(reply.operation) && reply.run === run) return reply;
		}
		return undefined;
	}

	async #receiveWithin(timeoutMs: number): Promise<Uint8Array | undefined> {
		try {
			const { data } = await this.#socket.receive({ timeoutMs });
			this.progress++;
			return data;
		} catch (error) {
			if (error instanceof TimeoutError) return undefined;
			throw error;
		}
	}

	// A timer for each message would cost more than the message: one that ticks slowly will do.
	#pace(roundTripMs: number): void {
		this.#resendMs = Math.max(RESEND_MIN_MS, RESEND_ROUND_TRIPS * roundTripMs);
		clearInterval(this.#timer);
		this.#timer = setInterval(() => this.#tick(), this.#resendMs / 2);
	}

	#tick(): void {
		if (this.#waitingTicks === 0 || this.#lastSent === undefined) return;
		if (++this.#waitingTicks < 3) return;
		this.#waitingTicks = 1;
		this.resentCount++;
		this.#socket.send(this.#lastSent).catch(() => this.#socket.abort());
	}
}
