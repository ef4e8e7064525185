/**
 * recv(2) and send(2), the two calls of every message. Their numbers go through memory that is shared with the addon: as arguments each
 * costs a call into Node-API, and these together more than the rest of the way into C and back.
 */
import type { Sys } from "./contract.ts";

/** What the addon has besides the calls themselves. */
export interface Lean {
	/** The cells. */
	readonly lean: Int32Array;
	/** As `recv` with the numbers of the cells. */
	leanRecv(buffer: Uint8Array): void;
	/** As `send` with the numbers of the cells. */
	leanSend(buffer: Uint8Array): void;
}

const FD = 0;
const OFFSET = 1;
const LENGTH = 2;
const FLAGS = 3;
const TIMEOUT_MS = 4;
const SPIN_US = 5;
const RESULT = 6;

/** In place of a result: no call was made, since an argument is wrong. */
const REFUSED = -2_147_483_648;

/** The two calls. Whatever is wrong with their arguments is left to `whole`, which says so. */
export function leanCalls(
	whole: Pick<Sys, "recv" | "send">,
	lean: Lean,
): Pick<Sys, "recv" | "send"> {
	const cells = lean.lean;
	const give = (
		fd: number,
		offset: number,
		length: number,
		flags: number,
		timeoutMs: number,
		spinUs: number,
	): boolean => {
		if (!isInt32(fd) || !isInt32(offset) || !isInt32(length) || !isInt32(flags)) return false;
		if (!isInt32(timeoutMs) || !isInt32(spinUs)) return false;
		cells[FD] = fd;
		cells[OFFSET] = offset;
		cells[LENGTH] = length;
		cells[FLAGS] = flags;
		cells[TIMEOUT_MS] = timeoutMs;
		cells[SPIN_US] = spinUs;
		return true;
	};
	return {
		recv(fd, buffer, offset, length, flags, timeoutMs = 0, spinUs = 0) {
			if (give(fd, offset, length, flags, timeoutMs, spinUs)) {
				lean.leanRecv(buffer);
				const result = cells[RESULT] as number;
				if (result !== REFUSED) return result;
			}
			return whole.recv(fd, buffer, offset, length, flags, timeoutMs, spinUs);
		},
		send(fd, buffer, offset, length, flags, timeoutMs = 0, spinUs = 0) {
			if (give(fd, offset, length, flags, timeoutMs, spinUs)) {
				lean.leanSend(buffer);
				const result = cells[RESULT] as number;
				if (result !== REFUSED) return result;
			}
			return whole.send(fd, buffer, offset, length, flags, timeoutMs, spinUs);
		},
	};
}

// Must not run code of the caller, as a conversion would.
function isInt32(value: number): boolean {
	return typeof value === "number" && (value | 0) === value;
}
