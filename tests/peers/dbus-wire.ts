/** Messages of D-Bus as bytes, with the types that most programs use: y b u h s o g, and arrays of texts. D-Bus specification, "Message protocol" */

/** A value, by its type: `s`, `o`, `g` a text, `y`, `u`, `h` a number, `b` a boolean, `as` and `ao` several texts. */
export type Value = string | number | boolean | readonly string[];

/** Kinds of message. */
export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;

/** One message; a field that is not there is left out. */
export interface Message {
	readonly type: number;
	readonly serial: number;
	readonly path?: string | undefined;
	readonly interface?: string | undefined;
	readonly member?: string | undefined;
	readonly errorName?: string | undefined;
	readonly replySerial?: number | undefined;
	readonly destination?: string | undefined;
	readonly sender?: string | undefined;
	/** Types of the body, side by side: `"su"`. */
	readonly signature?: string | undefined;
	/** How many descriptors go along; a value of type `h` is the index of one. */
	readonly descriptorCount?: number | undefined;
	readonly body: readonly Value[];
}

/** Bytes from which the length of a message is known. */
export const PREFIX_BYTES = 16;
/** Longest message that is read; the specification allows 128 MiB. */
const MESSAGE_BYTES_MAX = 1_048_576;
const LITTLE_ENDIAN = "l".charCodeAt(0);
const VERSION = 1;

type FieldName = Exclude<keyof Message, "type" | "serial" | "body">;
// In the order of their codes, from 1.
const FIELDS: readonly (readonly [FieldName, string])[] = [
	["path", "o"],
	["interface", "s"],
	["member", "s"],
	["errorName", "s"],
	["replySerial", "u"],
	["destination", "s"],
	["sender", "s"],
	["signature", "g"],
	["descriptorCount", "u"],
];

/** Length of a message of which the first 16 bytes are there. */
export function messageBytes(prefix: Buffer): number {
	if (prefix[0] !== LITTLE_ENDIAN) throw new Error("only little-endian messages are understood");
	const fields = prefix.readUInt32LE(12);
	const body = prefix.readUInt32LE(4);
	const bytes = align(PREFIX_BYTES + fields, 8) + body;
	if (bytes > MESSAGE_BYTES_MAX) throw new Error(`a message of ${bytes} bytes is too long`);
	return bytes;
}

/** Bytes of a message. */
export function encode(message: Message): Buffer {
	const body = new Writer();
	const types = splitSignature(message.signature ?? "");
	for (const [i, type] of types.entries()) body.value(type, message.body[i] as Value);
	const fields = new Writer();
	for (const [i, [name, type]] of FIELDS.entries()) {
		const value = message[name];
		if (value === undefined) continue;
		fields.align(8);
		fields.value("y", i + 1);
		fields.value("g", type);
		fields.value(type, value);
	}
	const header = new Writer();
	for (const byte of [LITTLE_ENDIAN, message.type, 0, VERSION]) header.value("y", byte);
	for (const number of [body.length, message.serial, fields.length]) header.value("u", number);
	header.add(fields.bytes());
	header.align(8);
	return Buffer.concat([header.bytes(), body.bytes()]);
}

/** Reads a whole message. */
export function decode(bytes: Buffer): Message {
	const reader = new Reader(bytes);
	const type = bytes[1] as number;
	const serial = bytes.readUInt32LE(8);
	const end = PREFIX_BYTES + bytes.readUInt32LE(12);
	reader.at = PREFIX_BYTES;
	const fields: Partial<Record<FieldName, Value>> = {};
	while (reader.at < end) {
		reader.align(8);
		const code = reader.value("y") as number;
		const value = reader.value(reader.value("g") as string);
		const [name] = FIELDS[code - 1] ?? [];
		if (name !== undefined) fields[name] = value;
	}
	reader.align(8);
	const types = splitSignature((fields.signature as string | undefined) ?? "");
	return { ...fields, type, serial, body: types.map((each) => reader.value(each)) } as Message;
}

class Writer {
	readonly #parts: Buffer[] = [];
	length = 0;

	bytes(): Buffer {
		return Buffer.concat(this.#parts);
	}

	add(part: Buffer): void {
		this.#parts.push(part);
		this.length += part.length;
	}

	align(size: number): void {
		this.add(Buffer.alloc(align(this.length, size) - this.length));
	}

	value(type: string, value: Value): void {
		if (type === "y") this.add(Buffer.of(value as number));
		else if (type === "g")
			this.add(Buffer.from(`${String.fromCharCode(String(value).length)}${value}\0`));
		else if (type.startsWith("a")) this.#array(type.slice(1), value as readonly string[]);
		else if (type === "s" || type === "o") {
			const text = Buffer.from(`${value}\0`);
			this.#number(text.length - 1);
			this.add(text);
		} else this.#number(Number(value));
	}

	#number(value: number): void {
		this.align(4);
		const bytes = Buffer.alloc(4);
		bytes.writeUInt32LE(value);
		this.add(bytes);
	}

	#array(type: string, values: readonly string[]): void {
		// The texts are aligned by 4, as the number before them is: a writer of its own does not shift them.
		const inner = new Writer();
		for (const each of values) inner.value(type, each);
		this.#number(inner.length);
		this.add(inner.bytes());
	}
}

class Reader {
	readonly #bytes: Buffer;
	at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	align(size: number): void {
		this.at = align(this.at, size);
	}

	value(type: string): Value {
		switch (type) {
			case "y":
				return this.#bytes.readUInt8(this.at++);
			case "g":
				return this.#text(this.#bytes.readUInt8(this.at++));
			case "s":
			case "o":
				return this.#text(this.#number());
			case "b":
				return this.#number() !== 0;
			case "u":
			case "h":
				return this.#number();
			case "as":
			case "ao":
				return this.#texts();
			default:
				throw new Error(`values of type ${type} are not understood`);
		}
	}

	#number(): number {
		this.align(4);
		this.at += 4;
		return this.#bytes.readUInt32LE(this.at - 4);
	}

	#text(length: number): string {
		const start = this.at;
		this.at += length + 1;
		if (this.at > this.#bytes.length) throw new Error("a text exceeds its message");
		return this.#bytes.toString("utf8", start, start + length);
	}

	#texts(): string[] {
		const length = this.#number();
		const end = this.at + length;
		const texts: string[] = [];
		while (this.at < end) texts.push(this.#text(this.#number()));
		return texts;
	}
}

function splitSignature(signature: string): string[] {
	return signature.match(/a*[a-z]/g) ?? [];
}

function align(offset: number, size: number): number {
	return Math.ceil(offset / size) * size;
}
