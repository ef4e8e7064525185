/**
 * What the two sides of a comparison say to each other. Version 1.
 *
 * Requests and replies are control frames of 48 bytes; between them run messages of one size. The first byte of a message has its high
 * bit clear and is the message's mark: bit 0 is set on the last one of a run, bits 1 to 6 count. A control frame begins with 0xff, so
 * that datagrams can tell them apart, and ends like a line, so that a server of some text protocol answers it with an error at once.
 */
const MAGIC = Uint8Array.of(0xff, ...Buffer.from("SKTRYCP", "latin1"));
const LINE_END = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a);

/** The version that this program speaks. */
export const PROTOCOL_VERSION = 1;
/** Length of every control frame. */
export const CONTROL_BYTES = 48;
/** Length of the proof in a control frame. */
export const PROOF_BYTES = 8;
/** Largest message. */
export const MESSAGE_BYTES_MAX = 65_536;
/** Bit of the mark that says: this is the last message of the run. */
export const LAST = 1;

/** Requests: hello, echo, drain, report. Replies: welcome, prove, ready, tally, refuse. */
export type Operation = (typeof OPERATIONS)[number];
const OPERATIONS = [
	"hello", // Client: greets; over datagrams a second time with the proof.
	"welcome", // Server: speaks this protocol, in the version of the frame.
	"prove", // Server, datagrams: say hello with this proof, to show that your address is yours.
	"echo", // Client: messages of `size` follow, send each back; the last one is marked.
	"drain", // Client: messages of `size` follow, count them; the last one is marked.
	"ready", // Server: to echo and drain.
	"report", // Client, datagrams: what have you counted? Elsewhere the last message asks.
	"tally", // Server: that.
	"refuse", // Server: the request is out of its limits.
] as const;

/** What a receiver has counted. */
export interface Tally {
	/** Messages that arrived. */
	readonly messages: number;
	/** Of these, those after the first arrival: what `elapsedMs` is about. */
	readonly timed: number;
	/** From the first arrival to the last one, in milliseconds. */
	readonly elapsedMs: number;
}

/** A control frame. */
export interface Control {
	readonly version: number;
	readonly operation: Operation;
	/** Number of the run of messages, so that a request which was repeated does not begin it again; replies carry it back. */
	readonly run: number;
	/** Size of the messages that follow echo or drain, otherwise 0. */
	readonly size: number;
	readonly tally: Tally;
	readonly proof: Uint8Array;
}

/** A tally of nothing. */
export const NOTHING: Tally = { messages: 0, timed: 0, elapsedMs: 0 };
const NO_PROOF = new Uint8Array(PROOF_BYTES);

/** Writes a control frame. */
export function encodeControl(
	operation: Operation,
	content: Partial<Omit<Control, "version" | "operation">> = {},
): Uint8Array {
	const { run = 0, size = 0, tally = NOTHING, proof = NO_PROOF } = content;
	const frame = new Uint8Array(CONTROL_BYTES);
	const view = new DataView(frame.buffer);
	frame.set(MAGIC);
	frame[8] = PROTOCOL_VERSION;
	frame[9] = OPERATIONS.indexOf(operation);
	view.setUint16(10, run);
	view.setUint32(12, size);
	if (operation === "tally") {
		view.setFloat64(16, tally.messages);
		view.setFloat64(24, tally.timed);
		view.setFloat64(32, tally.elapsedMs);
	} else frame.set(proof, 16);
	frame.set(LINE_END, CONTROL_BYTES - LINE_END.length);
	return frame;
}

/** Reads a control frame; undefined when the bytes are none. */
export function decodeControl(frame: Uint8Array): Control | undefined {
	if (frame.length !== CONTROL_BYTES) return undefined;
	if (!MAGIC.every((byte, i) => frame[i] === byte)) return undefined;
	const operation = OPERATIONS[frame[9] as number];
	if (operation === undefined) return undefined;
	const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
	const tally =
		operation === "tally"
			? {
					messages: view.getFloat64(16),
					timed: view.getFloat64(24),
					elapsedMs: view.getFloat64(32),
				}
			: NOTHING;
	return {
		version: frame[8] as number,
		operation,
		run: view.getUint16(10),
		size: view.getUint32(12),
		tally,
		proof: frame.slice(16, 16 + PROOF_BYTES),
	};
}

/** Whether a datagram is meant as a control frame. */
export function isControl(message: Uint8Array): boolean {
	return message[0] === MAGIC[0];
}

/** The mark of the message with this number in its run. */
export function markOf(number: number, isLast: boolean): number {
	return ((number & 0x3f) << 1) | (isLast ? LAST : 0);
}
