/** One direction of a relay, whatever moves its bytes. */

/** How a direction ended. */
export interface WayEnd {
	/** Why it ended before the end of its source was handed on; undefined when nothing was lost. */
	readonly error: Error | undefined;
	/** Whether it was the sink that failed: then the source may have more, which nobody takes. */
	readonly isSinkBroken: boolean;
}

/** A direction under way. */
export interface Way {
	/** Bytes handed on so far. */
	readonly bytes: number;
	/** Says that its source could not be sent to, so that the end that comes after what had arrived may be none. */
	doubtEnd(failure: Error): void;
	/** Ends it at once, without a word to anybody. */
	stop(): void;
}

/** One of the two connections, as a relay closes it. */
export interface Side {
	/** Begins to move bytes to `sink`, which is of the same kind; `doubt` as `doubtEnd`, if there is one already. */
	flowTo(sink: Side, onEnd: (end: WayEnd) => void, doubt: Error | undefined): Way;
	/** Closes it after both of its directions have ended. */
	close(): Promise<void>;
	/** Lets what was sent arrive, although the peer sends what nobody takes; then closes. */
	closeAfterCut(): Promise<void>;
	/** Closes it so that the peer sees a failure and no clean end, where there is such a thing. */
	reset(): void;
}
