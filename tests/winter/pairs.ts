/** Sockets of the Sockets API with the other ends of their connections. */
import { listen, type Stream } from "socketry";
import { binding, type Socket, type SocketOptions } from "socketry/winter";
import { authority } from "../tls/pairs.ts";
import { portOf } from "./expectations.ts";

/** Trusts the certificates of these tests. */
export const trusting = binding({ tls: { ca: authority.cert } });

/** A socket, and the other end of its connection. */
export async function withPair(
	options: SocketOptions,
	body: (socket: Socket, peer: Stream, port: number) => Promise<void>,
): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0");
	const port = portOf(listener);
	const socket = trusting.connect({ hostname: "127.0.0.1", port }, options);
	const peer = await listener.accept();
	listener.close();
	try {
		await body(socket, peer, port);
	} finally {
		await socket.close();
		peer.abort();
	}
}

/** Whether a promise has not settled after a few turns of the event loop. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
	let isSettled = false;
	const settle = (): void => {
		isSettled = true;
	};
	promise.then(settle, settle);
	for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
	return !isSettled;
}

/** Reads to the end. */
export async function textOf(readable: ReadableStream<Uint8Array>): Promise<string> {
	let text = "";
	for await (const chunk of readable) text += Buffer.from(chunk).toString();
	return text;
}
