/** What streams, packet streams and datagram sockets have in common: a socket below, and one end. */
import type { Socket } from "../socket/socket.ts";
import { checkClose, type WaitOptions } from "../socket/wait.ts";
import { DONE } from "./turn-budget.ts";

// Told apart from whatever else `close` may have answered.
const GIVEN: Promise<void> = Promise.resolve();

/** An object that owns a socket until it is closed. */
export abstract class OpenSocket {
	/** The socket below, for its options. Receiving or sending through it corrupts this object. */
	readonly socket: Socket;
	#closing: Promise<void> | undefined;

	/** @internal */
	protected constructor(socket: Socket) {
		this.socket = socket;
	}

	/** Whether this side was closed, or its socket given away. */
	get closed(): boolean {
		return this.#closing !== undefined || this.socket.closed;
	}

	close(options?: WaitOptions): Promise<void> {
		if (this.#closing !== undefined) return this.#closing;
		try {
			checkClose(options);
		} catch (error) {
			return Promise.reject(error);
		}
		this.#closing = this.finish(options);
		return this.#closing;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Lets pending calls keep the process alive; the default. */
	ref(): this {
		this.socket.ref();
		return this;
	}

	/** Lets the process end although a call is pending. */
	unref(): this {
		this.socket.unref();
		return this;
	}

	/** @internal Closes in order, within the limits of `options`; called once. */
	protected abstract finish(options: WaitOptions | undefined): Promise<void>;

	/** @internal Has it count as closed from now on: it ends at once. */
	protected markClosed(): void {
		this.#closing ??= DONE;
	}

	/** @internal Has it count as closed from now on: its socket is somebody else's, open, and nothing that is called here may end it. */
	protected markGiven(): void {
		this.#closing ??= GIVEN;
	}

	/** @internal Whether its socket was given away, open. */
	protected get isGiven(): boolean {
		return this.#closing === GIVEN;
	}
}
