/** What has happened to the messages of one direction. */

/** Counts of messages: of datagrams, or of a connection that keeps boundaries. */
export interface MessageFaultCounts {
	/** Messages that came. */
	received: number;
	/** Messages handed on, duplicates too. */
	passed: number;
	/** Messages hit by each fault. */
	loss: number;
	duplicate: number;
	reorder: number;
	corrupt: number;
	/** Messages that waited and were not handed on: there was no room for them to wait in, sending failed, or it ended before. */
	dropped: number;
}

/** Counts of nothing. */
export function noCounts(): MessageFaultCounts {
	return { received: 0, passed: 0, loss: 0, duplicate: 0, reorder: 0, corrupt: 0, dropped: 0 };
}

/** Adds counts to others. */
export function addCounts(sum: MessageFaultCounts, more: Readonly<MessageFaultCounts>): void {
	for (const name of Object.keys(more) as (keyof MessageFaultCounts)[]) sum[name] += more[name];
}
