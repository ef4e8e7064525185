/**
 * One descriptor held back for the moment when there are no more. A listener that cannot accept would otherwise leave its clients waiting
 * in the queue without a word, and poll would report the queue again and again.
 */
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

/** Most connections refused in one go, so that a flood cannot hold the event loop. */
const REFUSALS_MAX = 64;

/** Holds one descriptor. */
export class DescriptorReserve {
	#fd = -1;

	constructor() {
		this.#refill();
	}

	/** Accepts what is queued and closes it at once: the clients learn that they are refused. Returns how many. */
	refuseQueued(listenerFd: number): number {
		let refused = 0;
		this.close();
		while (refused < REFUSALS_MAX) {
			const fd = sys.accept4(listenerFd, null, SOCK_CLOEXEC);
			if (fd < 0) break;
			sys.close(fd);
			refused++;
		}
		this.#refill();
		return refused;
	}

	/** Gives the descriptor back. */
	close(): void {
		if (this.#fd >= 0) sys.close(this.#fd);
		this.#fd = -1;
	}

	// Without success the reserve stays empty, and the next refusal finds nothing to free: then the clients wait.
	#refill(): void {
		this.#fd = sys.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
}
