/** Servers that say hello to whom they let in, and clients that listen for it. */
import { connect, type Listener, type ListenOptions, listen, type Stream } from "socketry";

/** A server that says hello to whom it lets in. */
export async function withServer(
	address: string,
	options: ListenOptions,
	body: (listener: Awaited<ReturnType<typeof listen>>) => Promise<void>,
): Promise<void> {
	const listener = await listen(address, options);
	const serving = (async () => {
		for await (const connection of listener as Listener<Stream>) {
			await ("write" in connection
				? connection.write("hello")
				: (connection as { send(text: string): Promise<void> }).send("hello"));
			await connection.close();
		}
	})();
	try {
		await body(listener);
	} finally {
		listener.close();
		await serving;
	}
}

/** Connects to a listener on a Unix socket. */
export function connectTo(listener: Listener<Stream>): Promise<Stream> {
	return connect(listener.address);
}

/** What a listener says to who connects; null for the end. */
export async function hear(listener: { readonly address: unknown }): Promise<string | null> {
	const client = await connectTo(listener as Listener<Stream>);
	try {
		const heard = await client.read();
		return heard === null ? null : String(heard);
	} finally {
		await client.close();
	}
}
