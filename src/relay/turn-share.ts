/** How much a flow may move at a visit, when many are ready in one turn of the event loop. */

// Of all flows in a turn, about a millisecond: what keeps fast connections from holding up all others.
const TURN_BYTES = 4_194_304;
// 1,000 busy connections with a mebibyte at a visit let 1.7 GB pile up before a receiver that is as busy, and such cold memory costs every process on the
// way double. With this much it was 100 MB; with half of it the calls cost more.
const SHARE_MIN_BYTES = 131_072;

/** Shares out what is moved in a turn, by how many came in the turn before. */
export class TurnShare {
	#turn = 0;
	#visits = 1;
	#bytes = TURN_BYTES;

	/** What a flow may move that is visited in the turn of this number, about. */
	take(turn: number): number {
		if (turn !== this.#turn) {
			this.#turn = turn;
			this.#bytes = Math.max(SHARE_MIN_BYTES, Math.floor(TURN_BYTES / this.#visits));
			this.#visits = 0;
		}
		this.#visits++;
		return this.#bytes;
	}
}
