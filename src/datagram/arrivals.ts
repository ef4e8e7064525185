/** What one recvmmsg brought: messages of the kernel, each one datagram or several glued by GRO. */

import type { Companion, Companions, ControlRows } from "../packet/companions.ts";
import type { AddressOf } from "../socket/address.ts";
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
import type { DatagramTransport } from "./datagram-contract.ts";
import { type DatagramDetails, decodeDetails } from "./datagram-details.ts";
import { peerAt } from "./peer-cache.ts";

/** Memory that messages were received into, and the table that tells of them. */
export interface ArrivalRows extends ControlRows {
	/** Room of one message. */
	readonly messageBytes: number;
	readonly names: Uint8Array;
}

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
	readonly from: AddressOf<DatagramTransport>;
	/** What else was told of it, when it was asked for. */
	readonly details: DatagramDetails | undefined;
	/** Descriptors and credentials, when they were asked for. */
	readonly companion: Companion;
}

/** Bytes of the first `count` rows that are in the room. */
export function keptBytes({ table, messageBytes }: ArrivalRows, count: number): number {
	let total = 0;
	for (let row = 0; row < count; row++) {
		total += Math.min(table[row * BATCH_COLUMNS + BATCH_OUT_BYTES] as number, messageBytes);
	}
	return total;
}

/**
 * Reads row `row`.
 *
 * @param start where its bytes are, in the room or wherever they were copied to
 * @param isDetailed whether the socket was told to tell details
 * @param companions takes or refuses what came along
 */
export function arrivalAt(
	room: ArrivalRows,
	row: number,
	start: number,
	isDetailed: boolean,
	companions: Companions,
): Arrival {
	const { table, names } = room;
	const base = row * BATCH_COLUMNS;
	const length = table[base + BATCH_OUT_BYTES] as number;
	const name = table[base + BATCH_NAME_OFFSET] as number;
	const details = isDetailed ? detailsOf(room, base) : undefined;
	if (details?.missedCount !== undefined) companions.noteMissed(details.missedCount);
	return {
		start,
		kept: Math.min(length, room.messageBytes),
		length,
		stride: strideOf(room, base, length),
		from: peerAt(names, name, table[base + BATCH_OUT_NAME_LENGTH] as number),
		details,
		companion: companions.takeRow(room, row),
	};
}

function detailsOf({ table, control }: ArrivalRows, base: number): DatagramDetails | undefined {
	const start = table[base + BATCH_CONTROL_OFFSET] as number;
	const end = start + (table[base + BATCH_OUT_CONTROL_LENGTH] as number);
	return control === null ? undefined : decodeDetails(control.subarray(start, end));
}

// udp(7); a length of 0 is one empty datagram.
function strideOf({ table, control }: ArrivalRows, base: number, length: number): number {
	const controlLength = table[base + BATCH_OUT_CONTROL_LENGTH] as number;
	if (control === null || controlLength === 0) return length;
	const start = table[base + BATCH_CONTROL_OFFSET] as number;
	const at = findControl(control, start, start + controlLength, IPPROTO_UDP, UDP_GRO, 4);
	const stride = at < 0 ? 0 : readInt32(control, at);
	return stride > 0 ? stride : length;
}
