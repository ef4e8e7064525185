/** Figures of one listener. */
import type { SocketTransport } from "../socket/transport.ts";

/** What `Listener.stats` tells: counters from its beginning, and what waits now. */
export interface ListenerStats {
	readonly kind: "listener";
	/** Of the connections that it accepts. */
	readonly transport: SocketTransport;
	/** Connections accepted. */
	readonly acceptedCount: number;
	/** Connections refused for want of descriptors or memory. */
	readonly refusedCount: number;
	/** Connections refused by the policy `allow`. */
	readonly refusedPeersCount: number;
	/** Connections that wait to be accepted, of TCP; 0 once it is closed. Undefined for other transports: the kernel does not tell. */
	readonly queuedCount: number | undefined;
	/** Most connections that may wait, of TCP: what `backlog` came to. Undefined for other transports. */
	readonly backlogCount: number | undefined;
}
