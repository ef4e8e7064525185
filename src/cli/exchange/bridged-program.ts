/** A program that talks over a stream which is no socket, such as TLS: by a pair of sockets, and what is copied between them and the stream. */
import { type ByteStream, type Stream, socketpair } from "../../index.ts";
import { CutError } from "../exit-code.ts";
import { type ProgramSurroundings, runProgram } from "./run-program.ts";

const CLOSE_MS = 5_000;

/**
 * Runs a program with one end of a pair of sockets as its standard input and output. What it wrote arrives although it ends with its input unread.
 *
 * @param stream taken
 * @returns its exit code, as of `runProgram`
 * @throws {CutError} the stream failed, so that the program took a cut for an end, or what it said did not arrive
 */
export async function runBridged(
	program: readonly string[],
	stream: ByteStream,
	surroundings: ProgramSurroundings,
): Promise<number> {
	const [near, far] = socketpair();
	let failure: Error | undefined;
	const note = (error: Error): void => {
		failure ??= error;
	};
	const hearing = copyIn(stream, near).catch(note);
	const telling = copyOut(near, stream).catch(note);
	let code: number;
	try {
		code = await runProgram(program, far.socket, surroundings);
		// Not closed: what is unread in it would be taken for a reset, and what the program said be lost by that.
		far.socket.shutdown("both");
		await telling;
		await stream.close({ timeoutMs: CLOSE_MS }).catch(note);
		await hearing;
	} finally {
		stream.abort();
		near.abort();
		far.abort();
	}
	if (failure === undefined) return code;
	throw new CutError(`data was cut: ${failure.message}`, { cause: failure });
}

async function copyIn(stream: ByteStream, near: Stream): Promise<void> {
	let isHeard = true;
	for (;;) {
		const chunk = await stream.read().catch((error: Error) => {
			// Closed here, for the program has ended.
			if ((error as { code?: unknown }).code === "ERR_CLOSED") return null;
			near.abort();
			throw error;
		});
		if (chunk === null) break;
		// A program may leave its input unread.
		if (isHeard) isHeard = await near.write(chunk).then(yes, no);
	}
	await near.closeWrite().catch(no);
}

async function copyOut(near: Stream, stream: ByteStream): Promise<void> {
	try {
		for await (const chunk of near) await stream.write(chunk);
		await stream.closeWrite();
	} catch (error) {
		// The program shall not wait for somebody to take what it says. It may still hear something.
		if (!near.closed) near.socket.shutdown("read");
		throw error;
	}
}

function yes(): boolean {
	return true;
}

function no(): boolean {
	return false;
}
