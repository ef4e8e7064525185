/** Messages joined to standard input and output. */
import { CutError } from "../exit-code.ts";
import type { Channel } from "./channel.ts";
import { Ending } from "./ending.ts";
import { type Framing, messageDecoder, withCrlf } from "./framing.ts";
import type { Output } from "./output.ts";
import type { StandardInput } from "./standard-input.ts";

/** How messages are cut, and when it is enough. */
export interface MessageOptions {
	readonly framing: Framing;
	/** Ends each message that is sent by CRLF. */
	readonly crlf: boolean;
	/** Ends after so many messages have come. */
	readonly count: number | undefined;
	/** Of datagrams, which have no end: ends when standard input has ended and none has come for so long. */
	readonly idleMs: number | undefined;
	/** Sends the first message with descriptors. */
	readonly sendFirst?: ((data: Uint8Array) => Promise<void>) | undefined;
}

/**
 * Sends what standard input says and writes what comes, until the peer has ended, `count` messages have come, or, with datagrams, silence.
 *
 * @param channel taken
 * @throws {CutError} the connection failed in the middle
 */
export async function exchangeMessages(
	channel: Channel,
	input: StandardInput,
	output: Output,
	options: MessageOptions,
): Promise<void> {
	const over = new Ending();
	const idleness = new Idleness(options.idleMs, channel, over);
	const receiving = receiveAll(channel, output, options.count, idleness);
	let sendError: Error | undefined;
	const sending = sendAll(channel, input, over, options).then(
		() => {
			if (!channel.tellsEnd) idleness.begin();
		},
		(error: Error) => {
			if (over.isOver) return;
			sendError = error;
			// Told once nothing comes any more, or at once where that is never known.
			if (!channel.tellsEnd) channel.abort();
		},
	);
	let receiveError: Error | undefined;
	try {
		await receiving;
	} catch (error) {
		if (!over.isOver) receiveError = error as Error;
	}
	idleness.end();
	over.end();
	if (receiveError !== undefined) channel.abort();
	await sending;
	const error = sendError ?? receiveError;
	if (error === undefined) return await channel.close();
	channel.abort();
	if (!channel.tellsEnd) throw error;
	throw new CutError(`data was cut: the connection failed: ${error.message}`, { cause: error });
}

async function receiveAll(
	channel: Channel,
	output: Output,
	count = Number.POSITIVE_INFINITY,
	idleness: Idleness,
): Promise<void> {
	for (let received = 0; received < count; received++) {
		const message = await channel.receive();
		if (message === null) return;
		idleness.restart();
		for (const descriptor of message.descriptors) descriptor.close();
		await output.writeMessage(message.data, message.from);
	}
}

async function sendAll(
	channel: Channel,
	input: StandardInput,
	over: Ending,
	options: MessageOptions,
): Promise<void> {
	const { framing, crlf } = options;
	let { sendFirst } = options;
	const send = async (message: Uint8Array): Promise<void> => {
		const data = crlf ? withCrlf(message) : message;
		const first = sendFirst;
		sendFirst = undefined;
		await (first === undefined ? channel.send(data) : first(data));
	};
	const decoder = messageDecoder(framing);
	for (;;) {
		const chunk = await over.before(input.peek());
		if (chunk === undefined) return;
		if (chunk === null) break;
		input.take();
		decoder.push(chunk);
		for (let next = decoder.next(); next !== undefined; next = decoder.next()) await send(next);
	}
	// A last line needs no line feed.
	if (framing === "lines" && decoder.pendingBytes > 0) decoder.push(Uint8Array.of(0x0a));
	const last = decoder.next() ?? decoder.end();
	if (last !== undefined) await send(last);
	await channel.closeWrite();
}

// Ends a channel that has no end of its own.
class Idleness {
	readonly #limitMs: number | undefined;
	readonly #channel: Channel;
	readonly #over: Ending;
	#timer: NodeJS.Timeout | undefined;

	constructor(limitMs: number | undefined, channel: Channel, over: Ending) {
		this.#limitMs = limitMs;
		this.#channel = channel;
		this.#over = over;
	}

	begin(): void {
		if (this.#limitMs === undefined) return;
		this.#timer = setTimeout(() => {
			this.#over.end();
			this.#channel.abort();
		}, this.#limitMs);
	}

	restart(): void {
		this.#timer?.refresh();
	}

	end(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}
}
