/** Standard output as a copy of what arrives: raw, safe for a terminal, hexadecimal, or JSON Lines. */
import { StringDecoder } from "node:string_decoder";
import { type Address, formatAddress } from "../../index.ts";
import { hexRows, visibleText } from "../visible-text.ts";
import { encodeMessage, type Framing } from "./framing.ts";
import { jsonLine } from "./json-lines.ts";

/** How to show it. */
export interface OutputOptions {
	readonly hex: boolean;
	readonly json: boolean;
	/** How messages are marked. */
	readonly framing: Framing;
}

/** Standard output. What a closed pipe cannot take ends the program, in main.ts. */
export class Output {
	readonly #stream: NodeJS.WriteStream;
	readonly #options: OutputOptions;
	readonly #decoder = new StringDecoder("utf8");
	#bytes = 0;

	constructor(options: OutputOptions, stream: NodeJS.WriteStream = process.stdout) {
		this.#options = options;
		this.#stream = stream;
	}

	/** Bytes taken so far, as they arrived. */
	get bytes(): number {
		return this.#bytes;
	}

	/** Takes a chunk of a stream. Resolves when there is room for more. */
	writeChunk(chunk: Uint8Array): Promise<void> {
		return this.#write(chunk, undefined, () => chunk);
	}

	/** Takes a message. */
	writeMessage(message: Uint8Array, from: Address | undefined): Promise<void> {
		return this.#write(message, from, () => encodeMessage(this.#options.framing, message));
	}

	/** Resolves when everything has left. */
	async finish(): Promise<void> {
		const rest = this.#decoder.end();
		await this.#send(visibleText(rest));
		await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
	}

	async #write(data: Uint8Array, from: Address | undefined, raw: () => Uint8Array): Promise<void> {
		const { hex, json } = this.#options;
		const offset = this.#bytes;
		this.#bytes += data.length;
		if (json) return this.#send(jsonLine("data", { from: nameOf(from), ...jsonBytes(data) }));
		if (hex) return this.#send(hexRows(data, from === undefined ? offset : 0));
		if (this.#stream.isTTY !== true) return this.#send(raw());
		return this.#send(visibleText(this.#decoder.write(Buffer.from(raw()))));
	}

	async #send(data: Uint8Array | string): Promise<void> {
		if (data.length === 0 || this.#stream.write(data)) return;
		await new Promise<void>((resolve) => this.#stream.once("drain", () => resolve()));
	}
}

function nameOf(address: Address | undefined): string | undefined {
	return address === undefined ? undefined : formatAddress(address);
}

// Text where it is text, so that people can read it.
function jsonBytes(bytes: Uint8Array): { text: string } | { b64: string } {
	try {
		return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
	} catch {
		return { b64: Buffer.from(bytes).toString("base64") };
	}
}
