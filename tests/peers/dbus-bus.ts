/**
 * A client of D-Bus, as short as one can be on our streams: who it is, is proven by the credentials that the kernel keeps of its connection; messages may bring open descriptors.
 * https://dbus.freedesktop.org/doc/dbus-specification.html
 */
import { connect, type OwnedDescriptor, type Passable, type Stream } from "socketry";
import { PATIENCE_MS } from "../support/patience.ts";
import {
	decode,
	ERROR,
	encode,
	METHOD_CALL,
	METHOD_RETURN,
	type Message,
	messageBytes,
	PREFIX_BYTES,
	type Value,
} from "./dbus-wire.ts";

const LINE_BYTES_MAX = 1_000;
const NO_REPLY = "org.freedesktop.DBus.Error.Failed";

/** A message that has come, with its descriptors. */
export interface Received extends Message {
	/** Yours to close. */
	readonly descriptors: readonly OwnedDescriptor[];
}

/** What is said: values by their types, and what goes along; a value of type `h` is an index of it. */
export interface Said {
	readonly signature?: string;
	readonly body?: readonly Value[];
	readonly descriptors?: readonly Passable[];
}

/** What is asked, and of whom. */
export interface Call extends Said {
	readonly destination: string;
	readonly path: string;
	readonly interface: string;
	readonly member: string;
}

/** An error that the other side answered. */
export class BusError extends Error {
	override readonly name: string;

	constructor(name: string, message: string) {
		super(message);
		this.name = name;
	}
}

/** A connection to a bus. */
export class Bus {
	/** Its name on the bus: `":1.42"`. */
	name = "";
	/** Answers calls to this connection; what it throws is answered as an error. */
	onCall: (call: Received) => Said | Promise<Said> = () => {
		throw new Error("nothing is served here");
	};
	readonly #stream: Stream;
	readonly #calls = new Map<number, [(reply: Received) => void, (error: Error) => void]>();
	// They came with bytes that were read; a message takes the first of them.
	readonly #arrived: OwnedDescriptor[] = [];
	#serial = 0;

	private constructor(stream: Stream) {
		this.#stream = stream;
	}

	/**
	 * @param path of the bus's socket
	 * @param uid whom to say one is; the bus compares it with what the kernel says
	 * @throws {BusError} it is not believed
	 */
	static async connect(path: string, uid = process.getuid?.() ?? 0): Promise<Bus> {
		const stream = await connect(`unix:${path}`, {
			receiveDescriptors: true,
			timeoutMs: PATIENCE_MS,
		});
		try {
			await authenticate(stream, uid);
			const bus = new Bus(stream);
			void bus.#receive();
			const { body } = await bus.call({
				destination: "org.freedesktop.DBus",
				path: "/org/freedesktop/DBus",
				interface: "org.freedesktop.DBus",
				member: "Hello",
			});
			bus.name = String(body[0]);
			return bus;
		} catch (error) {
			stream.abort();
			throw error;
		}
	}

	/**
	 * Calls a method, and resolves to the reply.
	 *
	 * @throws {BusError} the other side answered an error
	 */
	async call(call: Call): Promise<Received> {
		const serial = ++this.#serial;
		const reply = new Promise<Received>((resolve, reject) => {
			this.#calls.set(serial, [resolve, reject]);
		});
		const { descriptors = [], body = [], ...rest } = call;
		await Promise.all([
			reply,
			this.#send({ ...rest, type: METHOD_CALL, serial, body }, descriptors),
		]);
		return await reply;
	}

	async close(): Promise<void> {
		await this.#stream.close();
	}

	async #send(message: Message, descriptors: readonly Passable[]): Promise<void> {
		const { length } = descriptors;
		const told = length > 0 ? { ...message, descriptorCount: length } : message;
		await this.#stream.write(encode(told), length > 0 ? { descriptors } : {});
	}

	async #receive(): Promise<void> {
		let reason: unknown = new Error("the bus has ended the connection");
		try {
			for (;;) this.#handle(await this.#next());
		} catch (error) {
			reason = error;
		}
		for (const each of this.#arrived.splice(0)) each.close();
		for (const [, reject] of this.#calls.values()) reject(reason as Error);
		this.#calls.clear();
	}

	async #next(): Promise<Received> {
		const prefix = Buffer.from(await this.#stream.readExactly(PREFIX_BYTES));
		const rest = await this.#stream.readExactly(messageBytes(prefix) - PREFIX_BYTES);
		const message = decode(Buffer.concat([prefix, rest]));
		for (const { descriptors } of this.#stream.takeDescriptors())
			this.#arrived.push(...descriptors);
		const count = message.descriptorCount ?? 0;
		if (count > this.#arrived.length) throw new Error("descriptors of a message are missing");
		return { ...message, descriptors: this.#arrived.splice(0, count) };
	}

	#handle(message: Received): void {
		const { type, replySerial = 0, body, errorName = NO_REPLY } = message;
		const waiting = this.#calls.get(replySerial);
		if (type === METHOD_CALL) void this.#answer(message);
		else if (waiting === undefined) for (const each of message.descriptors) each.close();
		else {
			this.#calls.delete(replySerial);
			const [resolve, reject] = waiting;
			if (type === ERROR) reject(new BusError(errorName, String(body[0] ?? "")));
			else resolve(message);
		}
	}

	async #answer(call: Received): Promise<void> {
		const reply = { serial: ++this.#serial, replySerial: call.serial, destination: call.sender };
		try {
			const { signature, body = [], descriptors = [] } = await this.onCall(call);
			await this.#send({ ...reply, type: METHOD_RETURN, signature, body }, descriptors);
		} catch (error) {
			const body = [String((error as Error).message)];
			await this.#send({ ...reply, type: ERROR, errorName: NO_REPLY, signature: "s", body }, []);
		}
	}
}

// D-Bus specification, "Authentication protocol". The first byte stands for credentials, which Linux needs nobody to send.
async function authenticate(stream: Stream, uid: number): Promise<void> {
	const ask = async (line: string): Promise<string> => {
		await stream.write(`${line}\r\n`);
		return String(
			await stream.readUntil("\r\n", { maxBytes: LINE_BYTES_MAX, timeoutMs: PATIENCE_MS }),
		);
	};
	const expect = async (line: string, wanted: string): Promise<void> => {
		const answer = await ask(line);
		if (answer.startsWith(wanted)) return;
		throw new BusError("org.freedesktop.DBus.Error.AuthFailed", answer.trim());
	};
	await expect(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString("hex")}`, "OK ");
	await expect("NEGOTIATE_UNIX_FD", "AGREE_UNIX_FD");
	await stream.write("BEGIN\r\n");
}
