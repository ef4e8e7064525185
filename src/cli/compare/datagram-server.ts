/**
 * The server's side over datagrams. Whoever sends from a forged address gets nothing but one answer as long as the question: a session
 * begins only when the client has shown that it receives what is sent to its address, and every answer has the length of its question.
 */
import { createHmac, randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { type Address, type Datagrams, formatAddress } from "../../index.ts";
import {
	type Control,
	decodeControl,
	encodeControl,
	isControl,
	NOTHING,
	PROOF_BYTES,
	type Tally,
} from "./protocol.ts";
import { IDLE_MS, isAcceptable, SESSIONS_MAX } from "./sessions.ts";

const PAUSE_MS = 10;

interface Session {
	/** Until the first echo or drain nothing but control frames is expected. */
	mode: "echo" | "drain" | "none";
	run: number;
	size: number;
	messages: number;
	first: number;
	last: number;
	seenAt: number;
}

/** Serves conversations over one datagram socket. */
export class DatagramServer {
	readonly #socket: Datagrams;
	readonly #secret: Buffer = randomBytes(32);
	readonly #sessions = new Map<string, Session>();
	/** The library hands out one address object per sender, mostly: looking it up is cheaper than writing it out. */
	#bySender = new WeakMap<Address, Session>();
	readonly #sweeper: NodeJS.Timeout;

	/** @param socket taken: it is closed with the server */
	constructor(socket: Datagrams) {
		this.#socket = socket;
		this.#sweeper = setInterval(() => this.#sweep(), IDLE_MS);
		void this.#run();
	}

	/** Ends all sessions and closes the socket. */
	close(): void {
		clearInterval(this.#sweeper);
		this.#socket.abort();
	}

	async #run(): Promise<void> {
		while (!this.#socket.closed) {
			try {
				for await (const { data, from } of this.#socket) this.#take(data, from);
			} catch {
				// One peer's error, such as ECONNREFUSED; the socket goes on, but never in a spin.
				await setTimeout(PAUSE_MS);
			}
		}
	}

	#take(data: Uint8Array, from: Address): void {
		const session = this.#bySender.get(from) ?? this.#find(from);
		if (isControl(data)) {
			const control = decodeControl(data);
			if (control !== undefined) this.#answer(control, session, from);
			return;
		}
		if (session === undefined || data.length !== session.size) return;
		const now = performance.now();
		session.seenAt = now;
		if (session.mode === "echo") this.#send(data, from);
		else {
			if (session.messages++ === 0) session.first = now;
			session.last = now;
		}
	}

	#answer(control: Control, session: Session | undefined, from: Address): void {
		const { operation, run, size } = control;
		if (operation === "hello") this.#greet(control, session, from);
		if (session === undefined) return;
		session.seenAt = performance.now();
		if (operation === "report") {
			this.#send(encodeControl("tally", { run, tally: tallyOf(session) }), from);
		} else if (operation === "echo" || operation === "drain") {
			const accepted = isAcceptable(control);
			if (accepted && run !== session.run) {
				Object.assign(session, { mode: operation, run, size, messages: 0 });
			}
			this.#send(encodeControl(accepted ? "ready" : "refuse", { run }), from);
		}
	}

	#greet({ proof }: Control, session: Session | undefined, from: Address): void {
		const key = formatAddress(from);
		const expected = this.#proofFor(key);
		if (!expected.equals(proof)) {
			this.#send(encodeControl("prove", { proof: expected }), from);
			return;
		}
		if (session === undefined && this.#sessions.size >= SESSIONS_MAX) {
			this.#send(encodeControl("refuse"), from);
			return;
		}
		const seenAt = performance.now();
		const fresh: Session = {
			mode: "none",
			run: 0,
			size: 0,
			messages: 0,
			first: 0,
			last: 0,
			seenAt,
		};
		this.#sessions.set(key, fresh);
		this.#bySender.set(from, fresh);
		this.#send(encodeControl("welcome"), from);
	}

	#find(from: Address): Session | undefined {
		const session = this.#sessions.get(formatAddress(from));
		if (session !== undefined) this.#bySender.set(from, session);
		return session;
	}

	#proofFor(key: string): Buffer {
		return createHmac("sha256", this.#secret).update(key).digest().subarray(0, PROOF_BYTES);
	}

	// What cannot be sent now is lost, as datagrams are.
	#send(data: Uint8Array, to: Address): void {
		try {
			this.#socket.trySend(data, to);
		} catch {
			this.#sessions.delete(formatAddress(to));
			this.#bySender.delete(to);
		}
	}

	#sweep(): void {
		const before = performance.now() - IDLE_MS;
		for (const [key, { seenAt }] of this.#sessions) {
			if (seenAt < before) this.#sessions.delete(key);
		}
		this.#bySender = new WeakMap();
	}
}

function tallyOf({ messages, first, last }: Session): Tally {
	if (messages === 0) return NOTHING;
	return { messages, timed: messages - 1, elapsedMs: last - first };
}
