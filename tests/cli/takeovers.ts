/** What tests of commands that take over from others have in common. */
import assert from "node:assert/strict";
import { connect, formatAddress, type Listener, listen, type Stream } from "socketry";
import type { Child } from "../support/children.ts";
import { echo } from "../support/echo.ts";
import { PATIENT } from "../support/patience.ts";
import { lineLike } from "../support/programs.ts";
import { startProgram } from "./program.ts";

/** A relay or server that listens, and where. */
export interface Running extends Child {
	readonly addresses: readonly string[];
}

/** Starts a command that listens at so many addresses. */
export async function start(args: readonly string[], count = 1): Promise<Running> {
	const child = startProgram(args, { lines: "stderr", timeoutMs: 600_000 });
	const addresses: string[] = [];
	while (addresses.length < count) {
		const [, address = ""] = await lineLike(child, /^listening on (\S+?)(?:, for .*)?$/);
		addresses.push(address);
	}
	return { ...child, addresses };
}

/** Stops it as a service manager does. */
export async function end(child: Child): Promise<void> {
	child.process.kill("SIGTERM");
	const { code, stderr } = await child.ended;
	assert.equal(code, 143, stderr);
}

/** Waits for the end of a process, with this exit code. */
export async function endsWith(child: Child, expected: number): Promise<void> {
	const { code, stderr } = await child.ended;
	assert.equal(code, expected, stderr);
}

/** Serves every connection while the body runs. */
export async function withEcho(body: (address: string) => Promise<void>): Promise<void> {
	const listener = (await listen("tcp://127.0.0.1:0")) as Listener<Stream>;
	const serving = (async () => {
		for await (const stream of listener) void echo(stream);
	})();
	await body(formatAddress(listener.address));
	listener.close();
	await serving;
}

/** Sends a word, and has it back. */
export async function talkOver(stream: Stream, word: string): Promise<void> {
	await stream.write(word, PATIENT);
	assert.equal(String(await stream.readExactly(word.length, PATIENT)), word);
}

/** Connects, has a word echoed and leaves. */
export async function visit(address: string): Promise<void> {
	const stream = (await connect(address, PATIENT)) as Stream;
	await talkOver(stream, "hello");
	await stream.close();
}
