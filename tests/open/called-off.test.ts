/** Signals that abort between two steps of a call: after it has looked at them, and while it does not listen to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, datagrams, listen } from "socketry";
import { startTls } from "socketry/tls";
import { settled } from "#src/testing/expectations.ts";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { connectedStreams } from "../support/pairs.ts";
import { PROMPT_MS } from "../support/patience.ts";

const CALLED_OFF = { name: "AbortError", cause: "enough" };
// More microtasks than any call has between its beginning, or an answer, and its next wait.
const STEPS = 16;

async function abortAfter(microtasks: number, leaving: AbortController): Promise<void> {
	for (let i = 0; i < microtasks; i++) await Promise.resolve();
	leaving.abort("enough");
}

test("connecting rejects, whenever its signal aborts after the name was found", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	for (let step = 0; step < STEPS; step++) {
		const leaving = new AbortController();
		const resolver = async (): Promise<string[]> => {
			void abortAfter(step, leaving);
			return ["127.0.0.1", "127.0.0.2"];
		};
		const address = { ...listener.address, host: "found.test" } as const;
		const connecting = connect(address, { resolver, signal: leaving.signal });
		await assert.rejects(settled(connecting, PROMPT_MS, `connect(), step ${step}`), CALLED_OFF);
	}
});

test("a handshake rejects, whenever its signal aborts after the call", async () => {
	for (let step = 0; step < STEPS; step++) {
		const leaving = new AbortController();
		const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
		const shaking = startTls(client, { servername: "silent.test", signal: leaving.signal });
		void abortAfter(step, leaving);
		await assert.rejects(settled(shaking, PROMPT_MS, `startTls(), step ${step}`), CALLED_OFF);
		client.abort();
		server.abort();
	}
});

test("a pause between two attempts is over at once when what told of the failure has aborted the signal", async () => {
	using refusing = refusingTcpPort();
	const leaving = new AbortController();
	const pauses = { delayMs: 1_000_000, maxDelayMs: 1_000_000 };
	const retry = { ...pauses, onFailure: () => leaving.abort("enough") };
	const address = { transport: "tcp", host: "127.0.0.1", port: refusing.port } as const;
	const connecting = connect(address, { retry, signal: leaving.signal });
	await assert.rejects(settled(connecting, PROMPT_MS, "connect()"), { name: "AbortError" });
});

test("nothing is open when the signal of what opens it aborts right after the call", async () => {
	for (const open of [
		(signal: AbortSignal) => listen("tcp://127.0.0.1:0", { signal }),
		(signal: AbortSignal) => listen("tcp://*:0", { signal }),
		(signal: AbortSignal) => datagrams("udp://127.0.0.1:0", { signal }),
	]) {
		const leaving = new AbortController();
		const opening = open(leaving.signal);
		leaving.abort("enough");
		await assert.rejects(opening, CALLED_OFF);
	}
});
