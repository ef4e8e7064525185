/** sendmsg(2) and recvmsg(2): scattered buffers, an address and control messages in one call. */
import {
	type Known,
	requireArray,
	requireBytes,
	requireInteger,
	requireOptions,
} from "../arguments.ts";
import { OutOfRangeError } from "../errors.ts";
import { MSG_CTRUNC, MSG_TRUNC } from "../sys/constants.ts";
import { BUFFERS_MAX } from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import { loan, messageFlags } from "./calls.ts";
import { type ControlMessage, controlMessages, encodeControl } from "./control.ts";
import type { Endpoint } from "./endpoint.ts";
import {
	decodeSocketAddress,
	encodeSocketAddress,
	SOCKADDR_BYTES_MAX,
	type SocketAddress,
} from "./sockaddr.ts";

/** Options of `recvmsg`. */
export interface MessageOptions {
	/** MSG_* bits of `socketry/sys`. Default 0. */
	readonly flags?: number | undefined;
	/** Room for control messages, 0..65536 bytes. Default 2048, which holds the 253 descriptors that one message can carry, and more. */
	readonly controlBytes?: number | undefined;
}

/** Options of `sendmsg`. */
export interface SendMessageOptions {
	/** MSG_* bits of `socketry/sys`. Default 0. */
	readonly flags?: number | undefined;
	/** Where to; for sockets that are not connected. */
	readonly to?: SocketAddress | undefined;
	/** Control messages to send along, such as descriptors. */
	readonly control?: readonly ControlMessage[] | undefined;
}

/** What `recvmsg` tells. */
export interface ReceivedMessage {
	/** Bytes in the buffers. With MSG_TRUNC in the flags: the message's true length, which may exceed them. */
	readonly bytes: number;
	/** The sender, on sockets without connection; the unnamed Unix address for a sender that has none. */
	readonly from: SocketAddress | undefined;
	/** Control messages, in memory of their own. Descriptors in them (SCM_RIGHTS) are open and close-on-exec: they are yours to close. */
	readonly control: readonly ControlMessage[];
	/** MSG_* bits that the kernel set. */
	readonly flags: number;
	/** Whether the message was longer than the buffers: the rest is lost. */
	readonly truncated: boolean;
	/** Whether control messages did not fit: they are lost. */
	readonly controlTruncated: boolean;
}

/** What receiving a message knows, besides waiting. */
export const RECEIVE_MESSAGE: Known<MessageOptions> = { flags: true, controlBytes: true };
/** What sending a message knows, besides waiting. */
export const SEND_MESSAGE: Known<SendMessageOptions> = { flags: true, to: true, control: true };

const CONTROL_BYTES = 2_048;

/** One recvmsg, from its arguments to its results. */
export class MessageCall {
	readonly #socket: Endpoint;
	readonly #buffers: readonly Uint8Array[];
	readonly #requireAll: () => void;
	readonly #flags: number;
	readonly #name = new Uint8Array(SOCKADDR_BYTES_MAX);
	readonly #control: Uint8Array;
	#message: ReceivedMessage | undefined;

	constructor(
		socket: Endpoint,
		buffers: readonly Uint8Array[],
		options: MessageOptions = {},
		known: Known<MessageOptions> = RECEIVE_MESSAGE,
	) {
		this.#socket = socket;
		this.#buffers = checkBuffers(buffers);
		this.#requireAll = loan(this.#buffers);
		requireOptions(options, known);
		this.#flags = messageFlags(options.flags);
		this.#control = new Uint8Array(
			requireInteger("controlBytes", options.controlBytes ?? CONTROL_BYTES, 0, 65_536),
		);
	}

	/** Makes the call once. The results are taken at once, for the next call of any socket overwrites them. */
	receive(timeoutMs = 0, spinUs = 0): number {
		this.#requireAll();
		const control = this.#control.length === 0 ? null : this.#control;
		const fd = this.#socket.openFd();
		const rc = sys.recvmsg(fd, this.#buffers, this.#name, control, this.#flags, timeoutMs, spinUs);
		if (rc < 0) return rc;
		const [nameLength = 0, controlLength = 0, flags = 0] = sys.out;
		this.#message = {
			bytes: rc,
			from: nameLength === 0 ? undefined : decodeSocketAddress(this.#name, nameLength),
			control: [...controlMessages(this.#control.subarray(0, controlLength))],
			flags,
			truncated: (flags & MSG_TRUNC) !== 0,
			controlTruncated: (flags & MSG_CTRUNC) !== 0,
		};
		return rc;
	}

	/** What the call that succeeded has received. */
	message(): ReceivedMessage {
		return this.#message as ReceivedMessage;
	}
}

/** One sendmsg, its arguments checked and encoded. */
export function sendCall(
	socket: Endpoint,
	buffers: readonly Uint8Array[],
	options: SendMessageOptions = {},
	known: Known<SendMessageOptions> = SEND_MESSAGE,
): (timeoutMs?: number, spinUs?: number) => number {
	const checked = checkBuffers(buffers);
	requireOptions(options, known);
	const name = options.to === undefined ? null : encodeSocketAddress(options.to);
	const control = options.control === undefined ? null : encodeControl(options.control);
	const flags = messageFlags(options.flags);
	const requireAll = loan(checked);
	return (timeoutMs = 0, spinUs = 0) => {
		requireAll();
		return sys.sendmsg(socket.openFd(), checked, name, control, flags, timeoutMs, spinUs);
	};
}

function checkBuffers(buffers: readonly Uint8Array[]): readonly Uint8Array[] {
	requireArray("buffers", buffers);
	if (buffers.length > BUFFERS_MAX) {
		throw new OutOfRangeError(
			"buffers.length",
			`an integer from 0 to ${BUFFERS_MAX}`,
			buffers.length,
		);
	}
	return buffers.map((buffer, i) => requireBytes(`buffers[${i}]`, buffer));
}
