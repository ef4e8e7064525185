/**
 * Writes to the journal of systemd by its own protocol: entries of named fields, which may hold any bytes. What is too large for a datagram goes
 * as sealed memory, whose descriptor is passed along. https://systemd.io/JOURNAL_NATIVE_PROTOCOL
 */
import { type Datagrams, datagrams, Memfd } from "socketry";

type Value = string | number | Uint8Array;

/** Fields by name, of A-Z, 0-9 and _; MESSAGE is what people see, PRIORITY 0 (the system is unusable) to 7 (for debugging). Several values make several fields. */
export type Entry = Readonly<Record<string, Value | readonly Value[]>>;

/** Names that the journal ignores are refused: those which begin with _ are its own. */
const NAME = /^[A-Z0-9][A-Z0-9_]{0,63}$/;
const LINE_FEED = 10;

/** Writes an entry down: NAME=VALUE in a line where it can, NAME and the length in 8 bytes where the value has line feeds or is no text. */
export function encodeEntry(entry: Entry): Uint8Array {
	const parts: Uint8Array[] = [];
	for (const [name, given] of Object.entries(entry)) {
		if (!NAME.test(name)) throw new TypeError(`no name of a field: ${JSON.stringify(name)}`);
		for (const value of Array.isArray(given) ? given : [given]) {
			const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value));
			if (typeof value === "object" || bytes.includes(LINE_FEED)) {
				const length = Buffer.alloc(8);
				length.writeBigUInt64LE(BigInt(bytes.length));
				parts.push(Buffer.from(`${name}\n`), length, bytes, Buffer.of(LINE_FEED));
			} else parts.push(Buffer.from(`${name}=`), bytes, Buffer.of(LINE_FEED));
		}
	}
	if (parts.length === 0) throw new TypeError("an entry has one field at least");
	return Buffer.concat(parts);
}

/** A way to the journal, which may be restarted meanwhile. */
export class Journal {
	readonly #socket: Datagrams;
	readonly #to: string;

	private constructor(socket: Datagrams, to: string) {
		this.#socket = socket;
		this.#to = to;
	}

	/** @param path of the journal's socket */
	static async open(path = "/run/systemd/journal/socket"): Promise<Journal> {
		const socket = await datagrams({ transport: "unix-dgram" });
		return new Journal(socket, `unix-dgram:${path}`);
	}

	/** Resolves when the journal has it in its queue. */
	async write(entry: Entry): Promise<void> {
		const bytes = encodeEntry(entry);
		try {
			// The kernel says at once what is too large for it.
			if (!this.#socket.trySend(bytes, this.#to)) await this.#socket.send(bytes, this.#to);
		} catch (error) {
			if ((error as { code?: string }).code !== "EMSGSIZE") throw error;
			await this.#pass(bytes);
		}
	}

	async close(): Promise<void> {
		await this.#socket.close();
	}

	// The journal reads memory only when nobody can change it any more.
	async #pass(bytes: Uint8Array): Promise<void> {
		using memory = Memfd.create(bytes.length, "journal-entry");
		memory.write(bytes, 0);
		memory.seal({ shrink: true, grow: true, write: true, seal: true });
		await this.#socket.send("", this.#to, { descriptors: [memory] });
	}
}
