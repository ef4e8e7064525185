/** Options of the duplexes over streams of ours, and what they mean to Node. */
import type { DuplexOptions } from "node:stream";
import type { Known } from "../arguments.ts";

/** Options of `toDuplex`. */
export interface StreamDuplexOptions {
	/** Whether the peer's end leaves writing open. Default false, as for a `net.Socket`: writing ends too. */
	readonly allowHalfOpen?: boolean | undefined;
	/** Bytes that are buffered in each direction before the other side is asked to wait. Default Node's own. */
	readonly highWaterMark?: number | undefined;
	/** Destroys the duplex when it aborts. */
	readonly signal?: AbortSignal | undefined;
}

/** What a duplex knows. */
export const DUPLEX: Known<StreamDuplexOptions> = {
	allowHalfOpen: true,
	highWaterMark: true,
	signal: true,
};

/** For the constructor of a `Duplex`. */
export function nodeOptions(options: StreamDuplexOptions): DuplexOptions {
	const { allowHalfOpen = false, highWaterMark, signal } = options;
	return {
		allowHalfOpen,
		decodeStrings: false,
		// Told by `_destroy`.
		emitClose: false,
		...(highWaterMark !== undefined && { highWaterMark }),
		...(signal !== undefined && { signal }),
	};
}
