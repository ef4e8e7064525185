import type { Stream } from "socketry";

/** Sends everything back, and ends when the peer does. */
export async function echo(stream: Stream): Promise<void> {
	try {
		for await (const chunk of stream) await stream.write(chunk);
		await stream.close();
	} catch {
		stream.abort();
	}
}
