/** The server's side of conversations over links, within limits that no client can exceed. */
import { type Link, PeerError } from "./link.ts";
import {
	CONTROL_BYTES,
	type Control,
	decodeControl,
	encodeControl,
	LAST,
	MESSAGE_BYTES_MAX,
} from "./protocol.ts";

/** Conversations at a time; each has at most 128 KiB of buffers. */
export const SESSIONS_MAX = 256;
/** A conversation in which nothing arrives for so long is broken off. */
export const IDLE_MS = 10_000;

/** Every conversation of one server. */
export class Sessions {
	/** Link of each, with its progress at the last look. */
	readonly #links = new Map<Link, number>();
	readonly #onRefused: (reason: string) => void;
	readonly #sweeper: NodeJS.Timeout;

	/** @param onRefused told when a client was sent away */
	constructor(onRefused: (reason: string) => void = () => undefined) {
		this.#onRefused = onRefused;
		this.#sweeper = setInterval(() => this.#sweep(), IDLE_MS);
	}

	/** Serves one conversation to its end. Never fails. */
	async serve(link: Link): Promise<void> {
		if (this.#links.size >= SESSIONS_MAX) {
			this.#onRefused(`there are ${SESSIONS_MAX} conversations already`);
			link.abort();
			return;
		}
		this.#links.set(link, -1);
		try {
			await converse(link);
			await link.close();
		} catch (error) {
			if (error instanceof PeerError) this.#onRefused(error.message);
			link.abort();
		} finally {
			this.#links.delete(link);
		}
	}

	/** Breaks all conversations off. */
	close(): void {
		clearInterval(this.#sweeper);
		for (const link of this.#links.keys()) link.abort();
	}

	#sweep(): void {
		for (const [link, seen] of this.#links) {
			if (link.progress === seen) link.abort();
			else this.#links.set(link, link.progress);
		}
	}
}

/**
 * Answers requests until the client ends the conversation.
 *
 * @throws {PeerError} the client is none of ours
 */
export async function converse(link: Link): Promise<void> {
	const frame = new Uint8Array(CONTROL_BYTES);
	while (await link.receive(frame)) {
		const request = decodeControl(frame);
		if (request === undefined) throw new PeerError("the client is no socketry compare");
		if (request.operation === "hello") await link.send(encodeControl("welcome"));
		else if (isAcceptable(request)) {
			await link.send(encodeControl("ready"));
			if (request.operation === "echo") await echo(link, request.size);
			else await link.send(encodeControl("tally", { tally: await link.drain(request.size) }));
		} else await link.send(encodeControl("refuse"));
	}
}

/** Whether a request to echo or to drain is one, and within the limits. */
export function isAcceptable({ operation, size }: Control): boolean {
	const isRun = operation === "echo" || operation === "drain";
	return isRun && size >= 1 && size <= MESSAGE_BYTES_MAX;
}

async function echo(link: Link, size: number): Promise<void> {
	const message = new Uint8Array(size);
	do {
		if (!(await link.receive(message))) return;
		await link.send(message);
	} while (((message[0] as number) & LAST) === 0);
}
