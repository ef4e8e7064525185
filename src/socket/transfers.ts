/** The calls that move bytes: read, write, recv, send, recvfrom, sendto. Base of `Socket`. */
import { requireBytes } from "../arguments.ts";
import { sys } from "../sys/current.ts";
import {
	BLOCK_TRANSFER,
	type BlockTransferOptions,
	blockCall,
	messageFlags,
	TRANSFER,
	type TransferOptions,
	tryCall,
	waitCall,
	whileLent,
} from "./calls.ts";
import { Endpoint } from "./endpoint.ts";
import {
	decodeSocketAddress,
	encodeSocketAddress,
	SOCKADDR_BYTES_MAX,
	type SocketAddress,
} from "./sockaddr.ts";
import { type BlockOptions, patience, type WaitOptions } from "./wait.ts";

/** What `recvfrom` tells. */
export interface Received {
	/** Bytes in the buffer. With MSG_TRUNC in the flags: the datagram's true length, which may exceed the buffer. */
	readonly bytes: number;
	/** The sender; the unnamed Unix address for a sender that has none. */
	readonly from: SocketAddress;
}

const senderName = new Uint8Array(SOCKADDR_BYTES_MAX);

/** A descriptor with the calls that move bytes. */
export class Transfers extends Endpoint {
	/** Reads what is there, up to the buffer's length; 0 is the end; undefined when nothing is there yet. read(2) */
	tryRead(buffer: Uint8Array): number | undefined {
		const bytes = requireBytes("buffer", buffer);
		return tryCall("read", () => sys.read(this.openFd(), bytes, 0, bytes.length));
	}

	/** Waits for something to read. @param buffer borrowed until the promise settles. @see read(2) */
	async read(buffer: Uint8Array, options?: WaitOptions): Promise<number> {
		const bytes = requireBytes("buffer", buffer);
		return await waitCall(
			this,
			"read",
			"read",
			whileLent(bytes, () => sys.read(this.openFd(), bytes, 0, bytes.length)),
			options,
		);
	}

	/** Blocks until there is something to read. read(2) */
	readSync(buffer: Uint8Array, options?: BlockOptions): number {
		const bytes = requireBytes("buffer", buffer);
		const [timeoutMs, spinUs] = patience(options);
		return blockCall(
			"read",
			timeoutMs,
			sys.read(this.openFd(), bytes, 0, bytes.length, timeoutMs, spinUs),
		);
	}

	/** Writes as much as fits now, which can be less than given; undefined when nothing fits. write(2) */
	tryWrite(data: Uint8Array): number | undefined {
		const bytes = requireBytes("data", data);
		return tryCall("write", () => sys.write(this.openFd(), bytes, 0, bytes.length));
	}

	/** Waits until something fits. Resolves to the bytes written, which can be less than given. @param data borrowed until the promise settles. @see write(2) */
	async write(data: Uint8Array, options?: WaitOptions): Promise<number> {
		const bytes = requireBytes("data", data);
		return await waitCall(
			this,
			"write",
			"write",
			whileLent(bytes, () => sys.write(this.openFd(), bytes, 0, bytes.length)),
			options,
		);
	}

	/** Blocks until something fits. write(2) */
	writeSync(data: Uint8Array, options?: BlockOptions): number {
		const bytes = requireBytes("data", data);
		const [timeoutMs, spinUs] = patience(options);
		return blockCall(
			"write",
			timeoutMs,
			sys.write(this.openFd(), bytes, 0, bytes.length, timeoutMs, spinUs),
		);
	}

	/** Receives what is there, or one message; undefined when nothing is there. recv(2) */
	tryRecv(buffer: Uint8Array, flags = 0): number | undefined {
		const bytes = requireBytes("buffer", buffer);
		const bits = messageFlags(flags);
		return tryCall("recv", () => sys.recv(this.openFd(), bytes, 0, bytes.length, bits));
	}

	/** Waits for bytes or one message. 0 is the end of a stream, or an empty message. @param buffer borrowed until the promise settles. @see recv(2) */
	async recv(buffer: Uint8Array, options?: TransferOptions): Promise<number> {
		const bytes = requireBytes("buffer", buffer);
		const flags = messageFlags(options?.flags);
		return await waitCall(
			this,
			"read",
			"recv",
			whileLent(bytes, () => sys.recv(this.openFd(), bytes, 0, bytes.length, flags)),
			options,
			undefined,
			TRANSFER,
		);
	}

	/** Blocks until bytes or a message come. recv(2) */
	recvSync(buffer: Uint8Array, options?: BlockTransferOptions): number {
		const bytes = requireBytes("buffer", buffer);
		const [timeoutMs, spinUs] = patience(options, BLOCK_TRANSFER);
		const flags = messageFlags(options?.flags);
		return blockCall(
			"recv",
			timeoutMs,
			sys.recv(this.openFd(), bytes, 0, bytes.length, flags, timeoutMs, spinUs),
		);
	}

	/** Sends as much as fits now, or one message; undefined when it does not fit. send(2) */
	trySend(data: Uint8Array, flags = 0): number | undefined {
		const bytes = requireBytes("data", data);
		const bits = messageFlags(flags);
		return tryCall("send", () => sys.send(this.openFd(), bytes, 0, bytes.length, bits));
	}

	/** Waits until something fits, or one message. Resolves to the bytes sent. @param data borrowed until the promise settles. @see send(2) */
	async send(data: Uint8Array, options?: TransferOptions): Promise<number> {
		const bytes = requireBytes("data", data);
		const flags = messageFlags(options?.flags);
		return await waitCall(
			this,
			"write",
			"send",
			whileLent(bytes, () => sys.send(this.openFd(), bytes, 0, bytes.length, flags)),
			options,
			undefined,
			TRANSFER,
		);
	}

	/** Blocks until something fits, or one message. send(2) */
	sendSync(data: Uint8Array, options?: BlockTransferOptions): number {
		const bytes = requireBytes("data", data);
		const [timeoutMs, spinUs] = patience(options, BLOCK_TRANSFER);
		const flags = messageFlags(options?.flags);
		return blockCall(
			"send",
			timeoutMs,
			sys.send(this.openFd(), bytes, 0, bytes.length, flags, timeoutMs, spinUs),
		);
	}

	/** Receives one message and its sender; undefined when none is there. recvfrom(2) */
	tryRecvfrom(buffer: Uint8Array, flags = 0): Received | undefined {
		const bytes = requireBytes("buffer", buffer);
		const bits = messageFlags(flags);
		const count = tryCall("recvfrom", () =>
			sys.recvfrom(this.openFd(), bytes, 0, bytes.length, bits, senderName),
		);
		return count === undefined ? undefined : received(count);
	}

	/** Waits for one message. @param buffer borrowed until the promise settles. @see recvfrom(2) */
	async recvfrom(buffer: Uint8Array, options?: TransferOptions): Promise<Received> {
		const bytes = requireBytes("buffer", buffer);
		const flags = messageFlags(options?.flags);
		// The name is decoded within the attempt: the next call of any socket overwrites it.
		let from: SocketAddress | undefined;
		const attempt = (): number => {
			const rc = sys.recvfrom(this.openFd(), bytes, 0, bytes.length, flags, senderName);
			if (rc >= 0) from = received(rc).from;
			return rc;
		};
		const count = await waitCall(
			this,
			"read",
			"recvfrom",
			whileLent(bytes, attempt),
			options,
			undefined,
			TRANSFER,
		);
		return { bytes: count, from: from as SocketAddress };
	}

	/** Blocks until a message comes. recvfrom(2) */
	recvfromSync(buffer: Uint8Array, options?: BlockTransferOptions): Received {
		const bytes = requireBytes("buffer", buffer);
		const [timeoutMs, spinUs] = patience(options, BLOCK_TRANSFER);
		const flags = messageFlags(options?.flags);
		const rc = sys.recvfrom(
			this.openFd(),
			bytes,
			0,
			bytes.length,
			flags,
			senderName,
			timeoutMs,
			spinUs,
		);
		return received(blockCall("recvfrom", timeoutMs, rc));
	}

	/** Sends one message to an address; undefined when it does not fit now. sendto(2) */
	trySendto(data: Uint8Array, to: SocketAddress, flags = 0): number | undefined {
		const bytes = requireBytes("data", data);
		const bits = messageFlags(flags);
		const name = encodeSocketAddress(to);
		return tryCall(
			"sendto",
			() => sys.sendto(this.openFd(), bytes, 0, bytes.length, bits, name),
			to,
		);
	}

	/** Waits until one message fits. @param data borrowed until the promise settles. @see sendto(2) */
	async sendto(data: Uint8Array, to: SocketAddress, options?: TransferOptions): Promise<number> {
		const bytes = requireBytes("data", data);
		const flags = messageFlags(options?.flags);
		const name = encodeSocketAddress(to);
		const attempt = whileLent(bytes, () =>
			sys.sendto(this.openFd(), bytes, 0, bytes.length, flags, name),
		);
		return await waitCall(this, "write", "sendto", attempt, options, to, TRANSFER);
	}

	/** Blocks until one message fits. sendto(2) */
	sendtoSync(data: Uint8Array, to: SocketAddress, options?: BlockTransferOptions): number {
		const bytes = requireBytes("data", data);
		const [timeoutMs, spinUs] = patience(options, BLOCK_TRANSFER);
		const flags = messageFlags(options?.flags);
		const rc = sys.sendto(
			this.openFd(),
			bytes,
			0,
			bytes.length,
			flags,
			encodeSocketAddress(to),
			timeoutMs,
			spinUs,
		);
		return blockCall("sendto", timeoutMs, rc, to);
	}
}

function received(bytes: number): Received {
	return { bytes, from: decodeSocketAddress(senderName, sys.out[0]) };
}
