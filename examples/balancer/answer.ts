/** What all servers of this example do: answer each request of 64 bytes with 64 bytes, of which the first is the worker's number. */
import type { Stream } from "socketry";

export const REQUEST_BYTES = 64;

/** Answers until the client ends. */
export async function answer(stream: Stream, index: number): Promise<void> {
	const request = new Uint8Array(REQUEST_BYTES);
	let filled = 0;
	try {
		for (;;) {
			const count = await stream.readInto(request.subarray(filled));
			if (count === 0) break;
			filled += count;
			if (filled < REQUEST_BYTES) continue;
			request[0] = index;
			await stream.write(request);
			filled = 0;
		}
		await stream.close();
	} catch {
		stream.abort();
	}
}
