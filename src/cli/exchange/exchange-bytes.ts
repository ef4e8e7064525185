/** A stream joined to standard input and output: the end of one direction ends only that direction. */
import { type ByteStream, ClosedError, LIMITS, type Passable, type Stream } from "../../index.ts";
import { CutError } from "../exit-code.ts";
import { Ending, isPeerGone, notPassed } from "./ending.ts";
import { toCrlf } from "./framing.ts";
import type { Output } from "./output.ts";
import type { StandardInput } from "./standard-input.ts";

/** How bytes are sent. */
export interface SendingOptions {
	/** Makes line feeds CRLF. */
	readonly crlf: boolean;
	/** Passed with the first byte. */
	readonly passed: readonly Passable[];
	/** Goes on sending after the peer has ended, for as long as standard input does. */
	readonly keep: boolean;
}

const CARRIAGE_RETURN = 0x0d;

/**
 * Copies both ways until the peer has ended, and standard input too if it has anything to say; then closes the stream.
 *
 * @param stream taken
 * @throws {CutError} the connection failed in the middle, or the peer left with bytes on their way to it, or standard input cannot be read
 */
export async function exchangeBytes(
	stream: ByteStream,
	input: StandardInput,
	output: Output,
	options: SendingOptions,
): Promise<void> {
	const peerEnd = new Ending();
	const sending = settle(sendAll(stream, input, peerEnd, options)).then((error) => {
		// The peer must not wait for the rest, nor take this for the end.
		if (error !== undefined && !isPeerGone(error)) stream.abort();
		return error;
	});
	const received = await settle(receiveAll(stream, output));
	peerEnd.end();
	// Unless it was closed by Ctrl-C, which gives what is queued its time.
	if (received !== undefined && !(received instanceof ClosedError)) stream.abort();
	const sent = await sending;
	if (sent instanceof CutError) throw sent;
	if (sent !== undefined && !isPeerGone(sent)) throw cut("sending failed", sent);
	if (received !== undefined) throw cut("the connection failed", received);
	if (sent !== undefined) {
		stream.abort();
		throw cut("the peer left before it had taken everything", sent);
	}
	const closed = await settle(stream.close({ timeoutMs: LIMITS.closeMs }));
	if (closed !== undefined) throw cut("the peer left before it had taken everything", closed);
}

async function receiveAll(stream: ByteStream, output: Output): Promise<void> {
	for await (const chunk of stream) await output.writeChunk(chunk);
}

async function sendAll(
	stream: ByteStream,
	input: StandardInput,
	peerEnd: Ending,
	{ crlf, passed, keep }: SendingOptions,
): Promise<void> {
	let descriptors = passed;
	let endsWithReturn = false;
	for (;;) {
		const chunk = await input.peekBeside(peerEnd, keep);
		if (chunk === undefined) return;
		if (chunk === null && descriptors.length > 0) throw notPassed();
		if (chunk === null) return await stream.closeWrite();
		input.take();
		const data = crlf ? toCrlf(chunk, endsWithReturn) : chunk;
		endsWithReturn = chunk.at(-1) === CARRIAGE_RETURN;
		if (descriptors.length === 0) await stream.write(data);
		else await (stream as Stream).write(data, { descriptors: [...descriptors] });
		descriptors = [];
	}
}

function settle(promise: Promise<unknown>): Promise<Error | undefined> {
	return promise.then(
		() => undefined,
		(error: Error) => error,
	);
}

function cut(what: string, cause: Error): CutError {
	return new CutError(`data was cut: ${what}: ${cause.message}`, { cause });
}
