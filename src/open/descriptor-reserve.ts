/**
 * One descriptor held back for the moment when there are no more. A listener that cannot accept would otherwise leave its clients waiting
 * in the queue without a word, and poll would report the queue again and again.
 */
import { type Socket, socket } from "../socket/socket.ts";
import { resetOnClose } from "../stream/connection.ts";
import { SOCK_CLOEXEC } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

/** Most connections refused in one go, so that a flood cannot hold the event loop. */
const REFUSALS_MAX = 64;

/** Holds one descriptor. */
export class DescriptorReserve {
	// Owned like every other, so that it goes with its listener or its thread.
	#held: Socket | undefined;

	constructor() {
		this.#refill();
	}

	/**
	 * Accepts what is queued and closes it at once, by a reset where there is such a thing: to its client a connection that ends in order has had
	 * an empty answer. Returns how many.
	 */
	refuseQueued(listenerFd: number): number {
		let refused = 0;
		this.close();
		while (refused < REFUSALS_MAX) {
			const fd = sys.accept4(listenerFd, null, SOCK_CLOEXEC);
			if (fd < 0) break;
			resetOnClose(fd);
			sys.close(fd);
			refused++;
		}
		this.#refill();
		return refused;
	}

	/** Gives the descriptor back. */
	close(): void {
		this.#held?.close();
		this.#held = undefined;
	}

	#refill(): void {
		try {
			this.#held = socket("unix", "dgram");
		} catch {
			// The reserve stays empty, and the next refusal finds nothing to free: then the clients wait.
		}
	}
}
