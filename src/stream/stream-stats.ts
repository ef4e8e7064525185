/** Figures of one stream. */
import type { TcpInfo } from "../socket/tcp-info.ts";
import type { StreamTransport } from "./stream.ts";

/** What `Stream.stats` tells: counters from the beginning of the stream, and what waits now. */
export interface StreamStats {
	readonly kind: "stream";
	readonly transport: StreamTransport;
	/** Bytes handed out to readers. */
	readonly bytesRead: number;
	/** Bytes taken from writers. */
	readonly bytesWritten: number;
	/** Bytes that the kernel has not taken yet. */
	readonly queuedBytes: number;
	/** Reads that brought descriptors which were refused. */
	readonly refusedDescriptorsCount: number;
	/**
	 * What the kernel knows of a TCP connection: `rttUs`, `minRttUs`, `totalRetrans` (segments), `sndCwnd` (segments), `deliveryRateBytesPerSecond`
	 * and the rest of `TCP_INFO`. Undefined for other transports. Of a closed stream as it was last asked for, or when it closed if somebody
	 * listened to `socketry:closed`; undefined if neither was the case.
	 */
	readonly tcp: TcpInfo | undefined;
}
