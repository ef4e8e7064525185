/** One system call in three manners: now or not at all, by promise, or blocking the thread. */
import { type Known, requireInteger } from "../arguments.ts";
import { check, InvalidValueError, TimeoutError } from "../errors.ts";
import { EAGAIN } from "../sys/errno.ts";
import type { Endpoint } from "./endpoint.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { targetOf } from "./target.ts";
import {
	BLOCK,
	type BlockOptions,
	type Direction,
	PendingCall,
	WAIT,
	type WaitOptions,
} from "./wait.ts";

/** Options of the receiving and sending calls. */
export interface TransferOptions extends WaitOptions {
	/** MSG_* bits of `socketry/sys`; MSG_DONTWAIT and MSG_NOSIGNAL are always set. Default 0. */
	readonly flags?: number | undefined;
}

/** Options of the blocking receiving and sending calls. */
export interface BlockTransferOptions extends BlockOptions {
	/** MSG_* bits of `socketry/sys`. Default 0. */
	readonly flags?: number | undefined;
}

/** What the receiving and sending calls know. */
export const TRANSFER: Known<TransferOptions> = { ...WAIT, flags: true };
/** What the blocking receiving and sending calls know. */
export const BLOCK_TRANSFER: Known<BlockTransferOptions> = { ...BLOCK, flags: true };

const INT32_MIN = -2_147_483_648;
const INT32_MAX = 2_147_483_647;

/** MSG_* bits from a caller; 0 for none. */
export function messageFlags(flags: number | undefined): number {
	return flags === undefined ? 0 : requireInteger("flags", flags, INT32_MIN, INT32_MAX);
}

/**
 * Looks, as often as it is called, whether memory that was lent is still there: less of it would read as an end, or send less than was asked.
 *
 * @throws {InvalidValueError} some has gone
 */
export function loan(buffers: readonly Uint8Array[]): () => void {
	const lengths = buffers.map(({ length }) => length);
	return () => {
		if (buffers.every(({ length }, i) => length >= (lengths[i] as number))) return;
		const rule = "must keep its bytes until its call has settled";
		throw new InvalidValueError("buffer", rule, "transferred or shrunk");
	};
}

/** A call that may be made later, as long as the memory lent for it is there. */
export function whileLent(bytes: Uint8Array, attempt: () => number): () => number {
	const requireAll = loan([bytes]);
	return () => {
		requireAll();
		return attempt();
	};
}

/** The result of a call made once; undefined for EAGAIN. Throws a SyscallError for any other failure. */
export function tryCall(
	syscall: string,
	attempt: () => number,
	to?: SocketAddress,
): number | undefined {
	const rc = attempt();
	return rc === EAGAIN ? undefined : check(rc, syscall, to && targetOf(to));
}

/** Resolves to the result of a call that is repeated whenever the socket is ready, until it answers something else than EAGAIN. */
export function waitCall(
	socket: Endpoint,
	direction: Direction,
	syscall: string,
	attempt: () => number,
	options: WaitOptions | undefined,
	to?: SocketAddress,
	known?: Known<WaitOptions>,
): Promise<number> {
	const call = new PendingCall(socket.descriptor, direction, syscall, attempt, to && targetOf(to));
	return call.run(options, known);
}

/** The result of a call that has blocked. Throws a TimeoutError for EAGAIN. */
export function blockCall(
	syscall: string,
	timeoutMs: number,
	rc: number,
	to?: SocketAddress,
): number {
	if (rc === EAGAIN) throw new TimeoutError(timeoutMs);
	return check(rc, syscall, to && targetOf(to));
}
