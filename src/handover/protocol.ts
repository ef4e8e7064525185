/**
 * The protocol by which a process hands its sockets over to its successor: who may say what when, and how it is written.
 *
 * Both speak over one connection of a private Unix seqpacket socket, the *post*, of mode 0600. The *old* process listens there, the *new* one
 * connects. Each makes sure, by the credentials that the kernel took, that the other runs as the same user (or, at the old one, as root)
 * before it says or reads anything.
 *
 * ```
 *      new                                old
 *   1  hello        ------------------>        which versions it speaks
 *   2               <------------------  welcome, with a duplicate of the post
 *   3               <------------------  socket, with a duplicate of it; as often as `welcome` said
 *   4               <------------------  chunks of the state
 *      (starts: everything that can fail)      (goes on accepting)
 *   5  ready        ------------------>
 *   6               <------------------  yours
 *   7  mine         ------------------>        the moment at which ownership changes
 *      (accepts)                              (stops accepting, removes no file)
 *   8               <------------------  connection, with its descriptor, then chunks of its unread bytes and of its state; any number
 *   9               <------------------  done
 * ```
 *
 * What holds at every step, whoever ends there and however:
 *
 * - Until `mine` is in the old one's queue, the old one is the owner: it has stopped nothing, closed nothing, and removes its socket files when it
 *   closes. If the new one ends before that, its duplicates go with it and nothing has changed.
 * - The decision is made in one place, by the send of `mine`. An old one that has waited too long for it first shuts down its receiving side,
 *   which makes a later send fail, and then looks once more: so that both never own, and never neither.
 * - The old one says `refuse` before it ends a conversation by intent. An end without `refuse` therefore means that it is dead; the new one
 *   waits until the kernel confirms that, by a pidfd, and then owns everything if it has been given everything (after 4), and otherwise fails.
 * - The post itself is handed over with the other sockets: its file stays the same one, and whoever connects meanwhile waits in its queue for
 *   the old one or the new one. It is thus also a lock: who has it is the one that runs.
 * - One conversation at a time: others are told `refuse`, reason "busy".
 *
 * A message is JSON that begins with `{`, or a chunk: a zero byte, and then bytes as they are. Descriptors come one a message, so that neither
 * their number nor the receiver's limits matter.
 */
import { HandoverError, type HandoverReason } from "../errors.ts";

/** Versions of this protocol that are spoken here, the best one first. */
export const PROTOCOLS: readonly number[] = [1];

/** A socket file: where it is, and by which device and inode it is known. */
export interface FileRecord {
	/** Absolute; each character is a byte, for not every path is UTF-8. */
	readonly path: string;
	readonly dev: string;
	readonly ino: string;
}

/** What is said. */
export type Message =
	| { readonly kind: "hello"; readonly protocols: readonly number[]; readonly pid: number }
	| {
			readonly kind: "welcome";
			readonly protocol: number;
			readonly pid: number;
			readonly socketCount: number;
			readonly stateBytes: number;
			readonly file: FileRecord | null;
	  }
	| {
			readonly kind: "socket";
			readonly name: string;
			/** The address as it was asked for, by which the new one finds it again. */
			readonly asked: string;
			readonly file: FileRecord | null;
	  }
	| { readonly kind: "ready" }
	| { readonly kind: "yours" }
	| {
			readonly kind: "mine";
			readonly takesConnections: boolean;
			/** Of datagram sockets; who does not say it takes none. */
			readonly takesDatagrams?: boolean | undefined;
	  }
	| { readonly kind: "connection"; readonly unreadBytes: number; readonly stateBytes: number }
	| { readonly kind: "done" }
	| { readonly kind: "refuse"; readonly reason: HandoverReason; readonly text: string };

/** A message by its kind. */
export type MessageOf<Kind extends Message["kind"]> = Extract<Message, { readonly kind: Kind }>;

type Test = (value: unknown) => boolean;

const CHUNK_MARK = 0;
// What a read of a stream can have gathered.
const BYTES_MAX = 1_073_741_824;

const count: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const size: Test = (value) => count(value) && (value as number) <= BYTES_MAX;
const text: Test = (value) => typeof value === "string";
const flag: Test = (value) => typeof value === "boolean";
const counts: Test = (value) => Array.isArray(value) && value.every(count);
const file: Test = (value) =>
	value === null ||
	(isObject(value) && text(value["path"]) && isId(value["dev"]) && isId(value["ino"]));

// What each message must have.
const FIELDS: Readonly<Record<Message["kind"], Readonly<Record<string, Test>>>> = {
	hello: { protocols: counts, pid: count },
	welcome: { protocol: count, pid: count, socketCount: count, stateBytes: size, file },
	socket: { name: text, asked: text, file },
	ready: {},
	yours: {},
	mine: { takesConnections: flag },
	connection: { unreadBytes: size, stateBytes: size },
	done: {},
	refuse: { reason: text, text },
};

/** Writes a message. */
export function encodeMessage(message: Message): Uint8Array {
	return Buffer.from(JSON.stringify(message));
}

/** Writes a chunk of bytes. */
export function encodeChunk(bytes: Uint8Array): Uint8Array {
	return Buffer.concat([Uint8Array.of(CHUNK_MARK), bytes]);
}

/**
 * Reads what was received.
 *
 * @returns a message, or the bytes of a chunk
 * @throws {HandoverError} it is neither
 */
export function decode(received: Uint8Array): Message | Uint8Array {
	if (received[0] === CHUNK_MARK) return received.subarray(1);
	const message = parse(received);
	if (isObject(message)) {
		const kind = message["kind"] as Message["kind"];
		const isWhole =
			Object.hasOwn(FIELDS, kind) &&
			Object.entries(FIELDS[kind]).every(([name, test]) => test(message[name]));
		if (isWhole) return message as unknown as Message;
	}
	throw new HandoverError("protocol", "The other process does not speak this protocol");
}

function parse(received: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(received).toString());
	} catch {
		return undefined;
	}
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null;
}

function isId(value: unknown): boolean {
	return typeof value === "string" && /^\d{1,20}$/.test(value);
}
