/**
 * Room at a Unix datagram peer. An unconnected sender is "writable" however full its peer is, but the kernel does tell a connected one: so
 * a second socket is connected to the peer, only to be told.
 */
import type { Waiter } from "../socket/descriptor.ts";
import { type Socket, socket } from "../socket/socket.ts";
import { AF_UNIX } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import type { Destination } from "./destinations.ts";
import { reaching } from "./transmit.ts";

/** Waits for room at one peer. */
export class PeerRoom implements Waiter {
	/** Held so that it is not collected while it waits. */
	readonly socket: Socket;
	readonly #onRoom: () => void;

	private constructor(connected: Socket, onRoom: () => void) {
		this.socket = connected;
		this.#onRoom = onRoom;
		// Whoever waits for the sending socket keeps the process alive.
		connected.unref();
	}

	/**
	 * Begins to watch a peer.
	 *
	 * @param onRoom called once after each `await`, when there is room or the peer is gone
	 * @returns undefined where that is not possible: out of descriptors, or the peer hears another socket only
	 */
	static open(to: Destination, onRoom: () => void): PeerRoom | undefined {
		if (to.name[0] !== AF_UNIX && to.longPath === undefined) return undefined;
		let watching: Socket | undefined;
		try {
			const opened = socket("unix", "dgram");
			watching = opened;
			const room = new PeerRoom(opened, onRoom);
			const rc = reaching(to, (name) => sys.connect(opened.fd, name));
			if (rc >= 0 && room.await()) return room;
		} catch {
			// There is another way: to try again after a while.
		}
		watching?.close();
		return undefined;
	}

	/** Waits for room. Returns false when that is not possible. */
	await(): boolean {
		try {
			this.socket.descriptor.awaitWritable(this);
			return true;
		} catch {
			return false;
		}
	}

	/** Ends the watch. */
	close(): void {
		if (this.socket.closed) return;
		this.socket.descriptor.cancelWritable();
		this.socket.close();
	}

	ready(): void {
		this.#onRoom();
	}

	closed(): void {}
}
