/** `Datagrams`: a socket that sends and receives datagrams. */
import { requireBytes, requireInteger } from "../arguments.ts";
import { ClosedError, InvalidAddressError, LimitError, SyscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Address } from "../socket/address.ts";
import type { SocketFamily } from "../socket/kind.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import type { Socket } from "../socket/socket.ts";
import { fromSocketAddress } from "../socket/transport.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import { ENOTCONN } from "../sys/errno.ts";
import type { Datagram, DatagramChannel, DatagramTransport } from "./datagram-contract.ts";
import { DatagramIntake } from "./datagram-intake.ts";
import { DatagramQueue } from "./datagram-queue.ts";
import { type Destination, Destinations } from "./destinations.ts";
import { MessageReader } from "./message-reader.ts";
import { DONE } from "./turn-budget.ts";

/** Options of `Datagrams.over`. */
export interface DatagramsOptions {
	/** Datagrams longer than this are cut, marked and counted, 1..67108864 bytes. Default: 65535 for UDP, which cuts none, and 262144 for others. */
	readonly maxMessageBytes?: number | undefined;
}

/** Room for any UDP datagram, and for what GRO makes of several. */
const UDP_ROOM_BYTES = 65_536;
const MESSAGE_BYTES_MAX = 67_108_864;

/** A datagram socket: UDP, Unix or vsock. Made by `datagrams`, `socketpair` or `Datagrams.over`. */
export class Datagrams implements DatagramChannel {
	/** The socket below, for its options. Receiving through it takes datagrams from this object. */
	readonly socket: Socket;
	readonly #transport: DatagramTransport;
	readonly #cleanUp: (() => void) | undefined;
	readonly #intake: DatagramIntake;
	readonly #reader: MessageReader<Datagram>;
	readonly #queue: DatagramQueue;
	readonly #destinations: Destinations;
	readonly #peerDestination: Destination | undefined;
	readonly #peer: Address | undefined;
	#address: Address | undefined;
	#closing: Promise<void> | undefined;

	/** @internal */
	constructor(
		socket: Socket,
		transport: DatagramTransport,
		options: DatagramsOptions,
		cleanUp?: () => void,
	) {
		const { descriptor } = socket;
		const isUdp = transport === "udp";
		const peer = peerOf(socket);
		this.socket = socket;
		this.#transport = transport;
		this.#cleanUp = cleanUp;
		const maxBytes = requireInteger(
			"maxMessageBytes",
			options.maxMessageBytes ?? (isUdp ? UDP_ROOM_BYTES : LIMITS.messageBytes),
			1,
			MESSAGE_BYTES_MAX,
		);
		this.#intake = new DatagramIntake(isUdp ? UDP_ROOM_BYTES : maxBytes, 0, maxBytes);
		this.#reader = new MessageReader(descriptor, this.#intake, "The socket", false);
		this.#queue = new DatagramQueue(descriptor, isUdp || peer !== undefined);
		this.#destinations = new Destinations(transport, socket.family as SocketFamily);
		this.#peer = peer && fromSocketAddress(transport, peer);
		this.#peerDestination = peer && Destinations.ofPeer(peer);
	}

	/**
	 * Makes a datagram socket of one that is open, bound and connected as it shall be.
	 *
	 * @param socket taken: it is closed with this object
	 */
	static over(
		socket: Socket,
		transport: DatagramTransport,
		options: DatagramsOptions = {},
	): Datagrams {
		return new Datagrams(socket, transport, options);
	}

	/** Address of this end, with the port that the kernel chose. */
	get address(): Address {
		this.#address ??= fromSocketAddress(this.#transport, this.socket.getsockname());
		return this.#address;
	}

	/** Address of the other end of a connected socket. */
	get peer(): Address | undefined {
		return this.#peer;
	}

	/** Whether this side was closed. */
	get closed(): boolean {
		return this.#closing !== undefined || this.socket.closed;
	}

	get receivedCount(): number {
		return this.#intake.receivedCount;
	}

	get truncatedCount(): number {
		return this.#intake.truncatedCount;
	}

	get sentCount(): number {
		return this.#queue.sentCount;
	}

	get droppedCount(): number {
		return this.#queue.droppedCount;
	}

	get queuedBytes(): number {
		return this.#queue.queuedBytes;
	}

	receive(options?: WaitOptions): Promise<Datagram> {
		return this.#reader.next(options);
	}

	send(data: Uint8Array | string, to?: string | Address, options?: WaitOptions): Promise<void> {
		try {
			if (options !== undefined) checkWait(options);
			const destination = this.#destination(to);
			return this.#queue.send(payloadOf(data, destination), destination, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	trySend(data: Uint8Array | string, to?: string | Address): boolean {
		const destination = this.#destination(to);
		return this.#queue.trySend(payloadOf(data, destination), destination);
	}

	flush(options?: WaitOptions): Promise<void> {
		return this.#queue.drain(options);
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Datagram> {
		const reader = this.#reader;
		const iterator: AsyncIterableIterator<Datagram> = {
			next: () => {
				if (reader.hasNext) return Promise.resolve({ done: false, value: reader.takeNext() });
				return reader.next(undefined).then(asResult, asEnd);
			},
			return: async () => ({ done: true, value: undefined }),
			[Symbol.asyncIterator]: () => iterator,
		};
		return iterator;
	}

	close(options?: WaitOptions): Promise<void> {
		this.#closing ??= this.#close(options);
		return this.#closing;
	}

	abort(): void {
		this.#closing ??= DONE;
		this.#end();
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

	#destination(to: string | Address | undefined): Destination {
		if (this.closed) throw new ClosedError("The socket");
		if (to !== undefined) return this.#destinations.find(to);
		if (this.#peerDestination !== undefined) return this.#peerDestination;
		throw new InvalidAddressError(to, "the socket is not connected; say where to send");
	}

	async #close(options: WaitOptions | undefined): Promise<void> {
		this.#reader.fail(new ClosedError("The socket"));
		try {
			checkWait(options);
			const timeoutMs = options?.timeoutMs ?? LIMITS.closeMs;
			await this.#queue.drain({ ...options, timeoutMs });
		} finally {
			this.#end();
		}
	}

	#end(): void {
		const error = new ClosedError("The socket");
		this.#queue.fail(error);
		this.#reader.fail(error);
		if (this.socket.closed) return;
		void this.address;
		// Before the descriptor goes: whoever finds the file gone sends to nobody, whoever finds it dead would get an error.
		this.#cleanUp?.();
		this.socket.close();
	}
}

function peerOf(socket: Socket): SocketAddress | undefined {
	try {
		return socket.getpeername();
	} catch (error) {
		if (error instanceof SyscallError && error.errno === ENOTCONN) return undefined;
		throw error;
	}
}

function payloadOf(data: Uint8Array | string, { maxBytes }: Destination): Uint8Array {
	const bytes = typeof data === "string" ? Buffer.from(data) : requireBytes("data", data);
	if (bytes.length <= maxBytes) return bytes;
	const limit =
		maxBytes === LIMITS.udpPayloadBytesIpv4 ? "udpPayloadBytesIpv4" : "udpPayloadBytesIpv6";
	throw new LimitError(limit, bytes.length, maxBytes, "send it in several datagrams, or by TCP");
}

function asResult(value: Datagram): IteratorResult<Datagram> {
	return { done: false, value };
}

function asEnd(error: unknown): IteratorResult<Datagram> {
	if (error instanceof ClosedError) return { done: true, value: undefined };
	throw error;
}
