/** The API of Docker, as Docker and Podman serve it on a Unix socket: `fetch` for questions, a stream of this library for the input and output of a container. */
import { connect, EndOfStreamError, type Stream } from "socketry";
import { fetchDispatcher } from "socketry/node";

const VERSION = "v1.41";
/** Of each piece of output: a byte that says which, three of nothing, and the length. */
const HEADER_BYTES = 8;
/** No engine sends larger pieces; both have buffers of 32 KiB. */
const PIECE_BYTES_MAX = 1_048_576;

/** A piece of what a container says. */
export interface Output {
	readonly channel: "stdout" | "stderr";
	readonly data: Uint8Array;
}

export class Engine {
	readonly #address: `unix:${string}`;
	readonly #dispatcher: NonNullable<RequestInit["dispatcher"]>;

	constructor(address: `unix:${string}`) {
		this.#address = address;
		this.#dispatcher = fetchDispatcher(address);
	}

	/** Asks for a path such as `/info`. The host of the URL says nothing: there is but one at this address. */
	async request(method: string, path: string, body?: object | Uint8Array): Promise<Response> {
		const isBytes = body instanceof Uint8Array;
		const response = await fetch(`http://docker/${VERSION}${path}`, {
			method,
			dispatcher: this.#dispatcher,
			headers: { "Content-Type": isBytes ? "application/x-tar" : "application/json" },
			...(body !== undefined && { body: isBytes ? body : JSON.stringify(body) }),
		});
		if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
		return response;
	}

	async json<T>(method: string, path: string, body?: object | Uint8Array): Promise<T> {
		return (await (await this.request(method, path, body)).json()) as T;
	}

	/** Takes hold of the input and output of a container. After the answer the connection is no HTTP any more, and each direction ends by itself. */
	async attach(id: string): Promise<Stream> {
		const stream = await connect(this.#address);
		const path = `/${VERSION}/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
		const head = `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp`;
		await stream.write(`${head}\r\nContent-Length: 0\r\n\r\n`);
		const answer = String(await stream.readUntil("\r\n\r\n"));
		if (/^HTTP\/1\.1 (101|200) /.test(answer)) return stream;
		stream.abort();
		throw new Error(answer.split("\r\n")[0]);
	}

	/** Ends the idle connections. */
	async close(): Promise<void> {
		await (this.#dispatcher as unknown as { close(): Promise<void> }).close();
	}
}

/** What a container says, piece by piece, until its end. */
export async function* outputOf(stream: Stream): AsyncGenerator<Output> {
	try {
		for (;;) {
			const header = Buffer.from(await stream.readExactly(HEADER_BYTES));
			const bytes = header.readUInt32BE(4);
			if (bytes > PIECE_BYTES_MAX) throw new Error(`a piece of ${bytes} bytes`);
			const channel = header[0] === 2 ? "stderr" : "stdout";
			yield { channel, data: await stream.readExactly(bytes) };
		}
	} catch (error) {
		// Between two pieces is where the output may end.
		if (!(error instanceof EndOfStreamError && error.bytesRead === 0)) throw error;
	}
}
