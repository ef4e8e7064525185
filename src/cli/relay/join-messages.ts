/** Two channels of messages become one: what comes from one leaves by the other, with descriptors, until both have ended or fallen silent. */
import type { Channel, Message } from "../exchange/channel.ts";
import type { Movement } from "./tally.ts";

/** Two channels that are joined. */
export class MessageRelay implements Movement {
	bytesToRight = 0;
	bytesToLeft = 0;
	/** Settles when both are closed: to the error that cut it, or undefined. */
	readonly done: Promise<Error | undefined>;
	readonly #left: Channel;
	readonly #right: Channel;
	readonly #toRight: Promise<void>;
	#error: Error | undefined;
	#isOver = false;
	readonly #timer: NodeJS.Timeout | undefined;

	/** Both channels are taken. */
	constructor(left: Channel, right: Channel, idleMs: number | undefined) {
		this.#left = left;
		this.#right = right;
		if (idleMs !== undefined) this.#timer = setTimeout(() => this.#fallSilent(idleMs), idleMs);
		this.#toRight = this.#pump(left, right, (bytes) => {
			this.bytesToRight += bytes;
		});
		const toLeft = this.#pump(right, left, (bytes) => {
			this.bytesToLeft += bytes;
		});
		this.done = this.#close([this.#toRight, toLeft]);
	}

	/** Ends it at once. */
	abort(error: Error): void {
		this.#error ??= error;
		this.#stop();
		this.#left.abort();
		this.#right.abort();
	}

	/** Ends it, once what had come from the left has left. */
	finish(): void {
		this.#left.finish?.();
		void this.#toRight.then(() => this.#end());
	}

	#end(): void {
		this.#stop();
		for (const side of [this.#left, this.#right]) side.close().catch(() => side.abort());
	}

	async #close(ways: readonly Promise<void>[]): Promise<Error | undefined> {
		await Promise.all(ways);
		this.#stop();
		if (this.#error === undefined) {
			const closed = await Promise.allSettled([this.#left.close(), this.#right.close()]);
			for (const each of closed) if (each.status === "rejected") this.#error ??= each.reason;
		}
		return this.#error;
	}

	async #pump(source: Channel, sink: Channel, count: (bytes: number) => void): Promise<void> {
		try {
			for (;;) {
				const message = await this.#next(source);
				if (message === null) break;
				await sink.send(message.data, message.descriptors);
				this.#timer?.refresh();
				count(message.data.length);
			}
			await sink.closeWrite();
		} catch (error) {
			if (!this.#isOver) this.abort(error as Error);
		}
	}

	// A socket that was given away is somebody else's now: nothing has failed.
	async #next(source: Channel): Promise<Message | null> {
		try {
			return await source.receive();
		} catch (error) {
			if (this.#isOver || source.socket?.closed !== true) throw error;
			this.#end();
			return null;
		}
	}

	// The usual end of datagrams; connections that are cut off by it must not take it for their end.
	#fallSilent(idleMs: number): void {
		const areConnections = this.#left.tellsEnd && this.#right.tellsEnd;
		if (areConnections) this.abort(new Error(`nothing has moved for ${idleMs / 1_000} s`));
		else this.#end();
	}

	#stop(): void {
		this.#isOver = true;
		clearTimeout(this.#timer);
	}
}
