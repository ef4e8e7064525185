/** Messages joined to standard input and output. */
import type { Decoder } from "../../frame/index.ts";
import { CutError } from "../exit-code.ts";
import type { Channel } from "./channel.ts";
import { Ending, isPeerGone, notPassed } from "./ending.ts";
import { type Framing, messageDecoder, withCrlf } from "./framing.ts";
import type { Output } from "./output.ts";
import { type StandardInput, unreadable } from "./standard-input.ts";

const LINE_FEED = Uint8Array.of(0x0a);
const NOTHING = new Uint8Array(0);

/** How messages are cut, and when it is enough. */
export interface MessageOptions {
	readonly framing: Framing;
	/** Ends each message that is sent by CRLF. */
	readonly crlf: boolean;
	/** Goes on sending after the peer has ended, for as long as standard input does. */
	readonly keep: boolean;
	/** Ends after so many messages have come. */
	readonly count: number | undefined;
	/** Of datagrams, which have no end: ends when standard input has ended and none has come for so long. */
	readonly idleMs: number | undefined;
	/** Sends the first message with descriptors. */
	readonly sendFirst?: ((data: Uint8Array) => Promise<void>) | undefined;
}

/**
 * Sends what standard input says and writes what comes, until the peer has ended, and standard input too if it has anything to say; or until
 * `count` messages have come, or, with datagrams, silence.
 *
 * @param channel taken
 * @throws {CutError} the connection failed in the middle, or standard input cannot be read, or is not made of such messages
 */
export async function exchangeMessages(
	channel: Channel,
	input: StandardInput,
	output: Output,
	options: MessageOptions,
): Promise<void> {
	const over = new Ending();
	const peerEnd = new Ending();
	const idleness = new Idleness(options.idleMs, channel, over);
	const receiving = receiveAll(channel, output, options.count, idleness);
	let sendError: Error | undefined;
	const sending = sendAll(channel, input, { over, peerEnd }, options).then(
		() => {
			if (!channel.tellsEnd) idleness.begin();
		},
		(error: Error) => {
			if (over.isOver) return;
			sendError = error;
			// Told once nothing comes any more, or at once where that is never known, or nobody is to wait for the rest.
			if (!channel.tellsEnd || !isPeerGone(error)) channel.abort();
		},
	);
	let receiveError: Error | undefined;
	try {
		if (!(await receiving)) over.end();
	} catch (error) {
		if (!over.isOver) receiveError = error as Error;
		over.end();
	}
	idleness.end();
	peerEnd.end();
	if (receiveError !== undefined) channel.abort();
	await sending;
	const error = sendError ?? receiveError;
	if (error === undefined) return await channel.close();
	channel.abort();
	if (!channel.tellsEnd || error instanceof CutError) throw error;
	throw new CutError(`data was cut: the connection failed: ${error.message}`, { cause: error });
}

// Returns whether the peer has ended; otherwise it is enough.
async function receiveAll(
	channel: Channel,
	output: Output,
	count = Number.POSITIVE_INFINITY,
	idleness: Idleness,
): Promise<boolean> {
	for (let received = 0; received < count; received++) {
		const message = await channel.receive();
		if (message === null) return true;
		idleness.restart();
		for (const descriptor of message.descriptors) descriptor.close();
		await output.writeMessage(message.data, message.from);
	}
	return false;
}

/** What ends sending: at once, or once standard input has nothing to say. */
interface Endings {
	readonly over: Ending;
	readonly peerEnd: Ending;
}

async function sendAll(
	channel: Channel,
	input: StandardInput,
	{ over, peerEnd }: Endings,
	options: MessageOptions,
): Promise<void> {
	const { framing, crlf, keep } = options;
	let { sendFirst } = options;
	const send = async (message: Uint8Array): Promise<void> => {
		const data = crlf ? withCrlf(message) : message;
		const first = sendFirst;
		sendFirst = undefined;
		await (first === undefined ? channel.send(data) : first(data));
	};
	const decoder = messageDecoder(framing);
	for (;;) {
		const chunk = await over.before(input.peekBeside(peerEnd, keep));
		if (chunk === undefined || over.isOver) return;
		if (chunk === null) break;
		input.take();
		for (const next of messagesIn(decoder, chunk)) await send(next);
	}
	// A last line needs no line feed.
	const completion = framing === "lines" && decoder.pendingBytes > 0 ? LINE_FEED : NOTHING;
	for (const next of messagesIn(decoder, completion)) await send(next);
	for (const last of messagesIn(decoder, undefined)) await send(last);
	if (sendFirst !== undefined) throw notPassed();
	await channel.closeWrite();
}

// What comes complete with a chunk, or, undefined, with the end. Bytes that are no messages are no failure of the connection.
function* messagesIn(
	decoder: Decoder<Uint8Array>,
	chunk: Uint8Array | undefined,
): Generator<Uint8Array> {
	try {
		if (chunk !== undefined) decoder.push(chunk);
		for (let next = decoder.next(); next !== undefined; next = decoder.next()) yield next;
		const last = chunk === undefined ? decoder.end() : undefined;
		if (last !== undefined) yield last;
	} catch (error) {
		throw unreadable(error as Error);
	}
}

// Ends a channel that has no end of its own.
class Idleness {
	readonly #limitMs: number | undefined;
	readonly #channel: Channel;
	readonly #over: Ending;
	#timer: NodeJS.Timeout | undefined;
	#hasEnded = false;

	constructor(limitMs: number | undefined, channel: Channel, over: Ending) {
		this.#limitMs = limitMs;
		this.#channel = channel;
		this.#over = over;
	}

	begin(): void {
		if (this.#limitMs === undefined || this.#hasEnded) return;
		this.#timer = setTimeout(() => {
			this.#over.end();
			this.#channel.abort();
		}, this.#limitMs);
	}

	restart(): void {
		this.#timer?.refresh();
	}

	end(): void {
		this.#hasEnded = true;
		clearTimeout(this.#timer);
	}
}
