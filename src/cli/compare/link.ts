/** One end of a conversation, whatever kind of socket carries it. */
import { CONTROL_BYTES, type Control, decodeControl, type Tally } from "./protocol.ts";

/** Sends and receives messages of sizes that both sides know. */
export interface Link {
	/** Grows whenever something arrives: a link on which it stands still is idle. */
	readonly progress: number;
	/** Messages that were sent once more because no answer came; always 0 where nothing is lost. */
	readonly resentCount: number;

	/** Sends a control frame and receives the reply to it. */
	request(frame: Uint8Array): Promise<Control>;

	/** Sends the last message of a run that the other side counts, and receives its tally. */
	conclude(message: Uint8Array, run: number): Promise<Control>;

	/** Sends one message; resolves when there is room for more. The message is borrowed until then. */
	send(message: Uint8Array): Promise<void>;

	/**
	 * Receives one message of exactly the length of `target`.
	 *
	 * @returns false at the end of the conversation
	 * @throws {PeerError} it ended in the middle of a message, or the message has another length
	 */
	receive(target: Uint8Array): Promise<boolean>;

	/** Counts messages of `size` bytes up to and including the one marked as the last. */
	drain(size: number): Promise<Tally>;

	/** Lets what is queued go and closes. */
	close(): Promise<void>;

	/** Closes at once; what is pending rejects with `ClosedError`. */
	abort(): void;
}

/** The other side does not keep to the protocol, or there is no such side at all. */
export class PeerError extends Error {}

/** `Link.request` and `Link.conclude` for links that lose nothing. */
export async function requestOver(
	link: Pick<Link, "send" | "receive">,
	message: Uint8Array,
): Promise<Control> {
	const reply = new Uint8Array(CONTROL_BYTES);
	await link.send(message);
	if (!(await link.receive(reply))) throw new PeerError("it ends the conversation");
	const control = decodeControl(reply);
	if (control === undefined) throw new PeerError("it answers in another protocol");
	return control;
}
