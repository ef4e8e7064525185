/** Any connection joined to standard input and output. */
import type { ByteStream, Datagrams, PacketStream, Stream } from "../../index.ts";
import { CutError } from "../exit-code.ts";
import type { TimeLimit } from "../time-limit.ts";
import { type Channel, datagramChannel, packetChannel } from "./channel.ts";
import { exchangeBytes } from "./exchange-bytes.ts";
import { exchangeMessages } from "./exchange-messages.ts";
import type { Framing } from "./framing.ts";
import type { Output } from "./output.ts";
import type { StandardInput } from "./standard-input.ts";

/** Anything that can be talked over. */
export type AnyConnection = Stream | PacketStream | Datagrams;
/** The same, or a stream that is no socket itself, as with TLS. */
export type AnyTalk = AnyConnection | ByteStream;

/** How to talk. */
export interface TalkOptions {
	/** Makes line feeds CRLF, or ends messages by it. */
	readonly crlf: boolean;
	/** Goes on sending after the peer has ended, for as long as standard input does. */
	readonly keep: boolean;
	readonly framing: Framing;
	/** Of messages: ends after so many have come. */
	readonly count: number | undefined;
	/** Of datagrams: ends when standard input has ended and none has come for so long; undefined for never. */
	readonly idleMs: number | undefined;
	/** Descriptors to pass with the first byte or message. */
	readonly sendFds: readonly number[];
}

/** Time for what is queued when we are asked to leave. */
const CLOSE_MS = 5_000;

/**
 * Talks until it is over; see `exchangeBytes` and `exchangeMessages`. Standard input stays as it is, so that another connection can go on with it.
 *
 * @param connection taken
 */
export async function talk(
	connection: AnyTalk,
	input: StandardInput,
	output: Output,
	options: TalkOptions,
	limit: TimeLimit,
): Promise<void> {
	let closing: Promise<Error | undefined> | undefined;
	// Time is up: at once. Ctrl-C: what is queued goes first.
	const end = (): void => {
		input.stop();
		if (limit.isOver) connection.abort();
		closing = limit.isOver
			? Promise.resolve(undefined)
			: connection.close({ timeoutMs: CLOSE_MS }).then(
					() => undefined,
					(error: Error) => error,
				);
	};
	limit.signal.addEventListener("abort", end, { once: true });
	try {
		await exchange(connection, input, output, options);
	} catch (error) {
		// What we have closed ourselves fails, and that is no news; what could not be sent any more is.
		if (closing === undefined) throw error;
		const lost = await closing;
		if (lost !== undefined) throw new CutError(`data was cut: ${lost.message}`, { cause: lost });
	} finally {
		limit.signal.removeEventListener("abort", end);
	}
}

async function exchange(
	connection: AnyTalk,
	input: StandardInput,
	output: Output,
	options: TalkOptions,
): Promise<void> {
	const { crlf, keep, sendFds } = options;
	if ("write" in connection) {
		return await exchangeBytes(connection, input, output, { crlf, keep, passed: sendFds });
	}
	const first = sendFirst(connection, sendFds);
	await exchangeMessages(channelOf(connection), input, output, { ...options, sendFirst: first });
}

function channelOf(connection: PacketStream | Datagrams): Channel {
	return "receiveMessage" in connection
		? packetChannel(connection, false)
		: datagramChannel(connection);
}

function sendFirst(
	connection: PacketStream | Datagrams,
	descriptors: readonly number[],
): ((data: Uint8Array) => Promise<void>) | undefined {
	if (descriptors.length === 0) return undefined;
	const options = { descriptors: [...descriptors] };
	return "receiveMessage" in connection
		? (data) => connection.send(data, options)
		: (data) => connection.send(data, undefined, options);
}
