/** Clients that never rest: some connect for every message, some keep one connection for all of theirs. All of them check every byte. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, type Stream } from "socketry";
import { PATIENT } from "../support/patience.ts";

/** What clients have done and met. */
export interface LoadResult {
	readonly connections: number;
	readonly messages: number;
	/** Each failure of any kind; there should be none. */
	readonly failures: readonly string[];
}

const MESSAGE_BYTES_MAX = 3_000;

/** Clients of one echo server. */
export class Load {
	#isOver = false;
	#connections = 0;
	#messages = 0;
	readonly #failures: string[] = [];
	readonly #clients: Promise<void>[];

	/** @param eachKind clients of each kind and each address */
	constructor(addresses: readonly string[], eachKind: number) {
		this.#clients = addresses.flatMap((address) =>
			Array.from({ length: eachKind }, () => [
				this.#comeAndGo(address),
				this.#stay(address),
			]).flat(),
		);
	}

	/** Echoes so far. */
	get messages(): number {
		return this.#messages;
	}

	/** Ends all clients, each after what it is at. */
	async stop(): Promise<LoadResult> {
		this.#isOver = true;
		await Promise.all(this.#clients);
		return { connections: this.#connections, messages: this.#messages, failures: this.#failures };
	}

	async #comeAndGo(address: string): Promise<void> {
		while (!this.#isOver) {
			await this.#visit(address, async (stream) => {
				await this.#exchange(stream, 1);
				await stream.closeWrite(PATIENT);
				assert.equal(await stream.read(PATIENT), null);
			});
		}
	}

	async #stay(address: string): Promise<void> {
		while (!this.#isOver) {
			await this.#visit(address, async (stream) => {
				// Several at once, so that some are always on their way, or wait in the kernel.
				while (!this.#isOver) await this.#exchange(stream, 3);
			});
		}
	}

	async #visit(address: string, talk: (stream: Stream) => Promise<void>): Promise<void> {
		let stream: Stream | undefined;
		try {
			stream = (await connect(address, PATIENT)) as Stream;
			this.#connections++;
			await talk(stream);
		} catch (error) {
			const { code, message } = error as Error & { code?: string };
			this.#failures.push(`${address} ${code}: ${message}`);
		} finally {
			await stream?.close().catch(() => stream?.abort());
		}
	}

	async #exchange(stream: Stream, count: number): Promise<void> {
		const sent = Array.from({ length: count }, () =>
			randomBytes(1 + Math.floor(Math.random() * MESSAGE_BYTES_MAX)),
		);
		for (const message of sent) await stream.write(message, PATIENT);
		for (const message of sent) {
			assert.ok(message.equals(await stream.readExactly(message.length, PATIENT)), "another echo");
			this.#messages++;
		}
	}
}
