/** What one recvmmsg brought: messages of the kernel, each one datagram or several glued by GRO. */
import type { Address } from "../socket/address.ts";
import { findControl } from "../socket/control.ts";
import { readInt32 } from "../socket/little-endian.ts";
import { IPPROTO_UDP, UDP_GRO } from "../sys/constants.ts";
import {
	BATCH_COLUMNS,
	BATCH_CONTROL_OFFSET,
	BATCH_NAME_OFFSET,
	BATCH_OUT_BYTES,
	BATCH_OUT_CONTROL_LENGTH,
	BATCH_OUT_NAME_LENGTH,
} from "../sys/contract.ts";
import { peerAt } from "./peer-cache.ts";
import type { ReceiveRoom } from "./receive-room.ts";

/** One message: a datagram, or several of one length and a last one of no more. */
export interface Arrival {
	/** Where it begins in its memory. */
	readonly start: number;
	/** Bytes of it in the memory. */
	readonly kept: number;
	/** Its true length. */
	readonly length: number;
	/** Length of each datagram in it; its own when it is one. */
	readonly stride: number;
	readonly from: Address;
}

/** Bytes of the first `count` rows that are in the room. */
export function keptBytes({ table, messageBytes }: ReceiveRoom, count: number): number {
	let total = 0;
	for (let row = 0; row < count; row++) {
		total += Math.min(table[row * BATCH_COLUMNS + BATCH_OUT_BYTES] as number, messageBytes);
	}
	return total;
}

/** Reads row `row`; `start` is where its bytes are, in the room or wherever they were copied to. */
export function arrivalAt(room: ReceiveRoom, row: number, start: number): Arrival {
	const { table, names } = room;
	const base = row * BATCH_COLUMNS;
	const length = table[base + BATCH_OUT_BYTES] as number;
	const name = table[base + BATCH_NAME_OFFSET] as number;
	return {
		start,
		kept: Math.min(length, room.messageBytes),
		length,
		stride: strideOf(room, base, length),
		from: peerAt(names, name, table[base + BATCH_OUT_NAME_LENGTH] as number),
	};
}

// udp(7); a length of 0 is one empty datagram.
function strideOf({ table, control }: ReceiveRoom, base: number, length: number): number {
	const controlLength = table[base + BATCH_OUT_CONTROL_LENGTH] as number;
	if (control === null || controlLength === 0) return length;
	const start = table[base + BATCH_CONTROL_OFFSET] as number;
	const at = findControl(control, start, start + controlLength, IPPROTO_UDP, UDP_GRO, 4);
	const stride = at < 0 ? 0 : readInt32(control, at);
	return stride > 0 ? stride : length;
}
