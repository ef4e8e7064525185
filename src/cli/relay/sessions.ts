/** Datagrams from anybody, told apart by who sent them: each sender has a channel of its own. */
import { type Address, type Datagrams, formatAddress, give } from "../../index.ts";
import type { Channel, Message } from "../exchange/channel.ts";

/** Datagrams of one sender that wait for their way to be open; more are dropped, as the kernel does. */
const QUEUED_MAX = 1_024;
/** The same of all senders of a route, in bytes: who stands behind many ports must not have all of the memory. */
const QUEUED_BYTES_MAX = 67_108_864;
// Of one sender: those behind wait for long, and get memory of their own instead of holding what they share with others.
const SHARED_MAX = 64;
// What a datagram costs besides its bytes, about.
const DATAGRAM_BYTES = 256;

/**
 * What is asked of the kernel for datagrams that wait for this process: a burst of all senders, for a few hundred short ones fill the usual
 * buffer. It gives what net.core.rmem_max allows; socket(7).
 */
export const BURST_BYTES = 4_194_304;

/** A session that began in another process. */
export interface InheritedSession {
	/** Who sends. */
	readonly from: Address;
	/** The socket towards its other end. */
	readonly upstream: Datagrams;
}

/** How sessions are begun. */
export interface SessionOptions {
	/** Those that are under way already. Default: none. */
	readonly inherited?: readonly InheritedSession[];
	/** Most at once; datagrams of further senders are dropped. */
	readonly max: number;
	/** Called with the channel of a new sender, which is then the callee's. */
	readonly onSession: (channel: Channel, from: Address, upstream: Datagrams | undefined) => void;
	/** Called for each datagram that is dropped: what nobody can take, and what is queued when a session is cut. */
	readonly onDropped: () => void;
}

/** Hands out datagrams by their senders, until the socket is closed. */
export async function takeSessions(socket: Datagrams, options: SessionOptions): Promise<void> {
	const { onDropped } = options;
	const sessions = new Map<string, Session>();
	const queued: Queued = { bytes: 0 };
	const names = new WeakMap<Address, string>();
	const begin = (name: string, from: Address, upstream?: Datagrams): Session => {
		const onEnd = (): boolean => sessions.delete(name);
		const session = new Session(socket, from, { onEnd, onDropped, queued });
		sessions.set(name, session);
		options.onSession(session, from, upstream);
		return session;
	};
	for (const { from, upstream } of options.inherited ?? [])
		begin(formatAddress(from), from, upstream);
	for await (const { data, from, descriptors = [] } of socket) {
		let name = names.get(from);
		if (name === undefined) {
			name = formatAddress(from);
			names.set(from, name);
		}
		let session = sessions.get(name);
		if (session === undefined && sessions.size < options.max) session = begin(name, from);
		if (session?.push({ data, from, descriptors })) continue;
		for (const descriptor of descriptors) descriptor.close();
		onDropped();
	}
}

/** What waits of all sessions together. */
interface Queued {
	bytes: number;
}

interface SessionSettings {
	readonly onEnd: () => void;
	readonly onDropped: () => void;
	readonly queued: Queued;
}

class Session implements Channel {
	readonly tellsEnd = false;
	readonly #socket: Datagrams;
	readonly #from: Address;
	readonly #onEnd: () => void;
	readonly #onDropped: () => void;
	readonly #queued: Queued;
	readonly #queue: Message[] = [];
	#wake: (() => void) | undefined;
	#isOver = false;

	constructor(socket: Datagrams, from: Address, { onEnd, onDropped, queued }: SessionSettings) {
		this.#socket = socket;
		this.#from = from;
		this.#onEnd = onEnd;
		this.#onDropped = onDropped;
		this.#queued = queued;
	}

	push(message: Message): boolean {
		if (this.#isOver || this.#queue.length >= QUEUED_MAX) return false;
		if (this.#queued.bytes + costOf(message) > QUEUED_BYTES_MAX) return false;
		this.#queued.bytes += costOf(message);
		const isShared = this.#queue.length < SHARED_MAX;
		this.#queue.push(isShared ? message : { ...message, data: Uint8Array.from(message.data) });
		this.#wake?.();
		return true;
	}

	async receive(): Promise<Message | null> {
		while (this.#queue.length === 0 && !this.#isOver) {
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
		const message = this.#queue.shift();
		if (message === undefined) return null;
		this.#queued.bytes -= costOf(message);
		return message;
	}

	async send(data: Uint8Array, descriptors: Message["descriptors"] = []): Promise<void> {
		const options = descriptors.length > 0 ? { descriptors: descriptors.map(give) } : undefined;
		await this.#socket.send(data, this.#from, options);
	}

	async closeWrite(): Promise<void> {}

	finish(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#onEnd();
		this.#wake?.();
	}

	async close(): Promise<void> {
		this.abort();
	}

	abort(): void {
		for (const message of this.#queue.splice(0)) {
			this.#queued.bytes -= costOf(message);
			for (const descriptor of message.descriptors) descriptor.close();
			this.#onDropped();
		}
		this.finish();
	}
}

function costOf({ data }: Message): number {
	return DATAGRAM_BYTES + data.length;
}
