/** The end of a stream whose duplex is destroyed. */
import type { ByteStream } from "../stream/contract.ts";
import { Stream } from "../stream/stream.ts";

/**
 * Ends it as `destroy()` ends a `net.Socket`: what was written goes out if the kernel takes it at once, and bytes of the peer that the kernel still has
 * make a reset of it. So do bytes that did not go out, for the peer must not believe that it has everything. Streams without a socket are left to be
 * closed.
 *
 * @param isReset whether the peer gets a reset in any case
 */
export function dropStream(stream: ByteStream, isReset: boolean): void {
	if (stream instanceof Stream) {
		stream.flushHeld();
		if (!isReset) stream.leave();
	}
	if (isReset) stream.abort();
}
