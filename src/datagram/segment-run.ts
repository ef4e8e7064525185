/** Datagrams that lie side by side in the memory of the caller: sent from there, as many in one call as the kernel takes. */
import { InvalidValueError } from "../errors.ts";
import { IPPROTO_UDP, UDP_SEGMENT } from "../sys/constants.ts";
import {
	BATCH_COLUMNS,
	BATCH_CONTROL_LENGTH,
	BATCH_CONTROL_OFFSET,
	BATCH_DATA_LENGTH,
	BATCH_DATA_OFFSET,
	BATCH_NAME_LENGTH,
} from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import type { Destination } from "./destinations.ts";
import { SEGMENTS_MAX } from "./send-batch.ts";
import { DETAIL_CONTROL_BYTES_MAX } from "./send-details.ts";
import { reaching } from "./transmit.ts";
import { sendUnfragmented } from "./unfragmented.ts";

const KEEP_BYTES = "must keep its bytes until all its datagrams are sent";
const ROWS_MAX = 64;

// All messages of a run have the same destination and the same control message.
const table = new Int32Array(ROWS_MAX * BATCH_COLUMNS);
const SEGMENT_CONTROL_BYTES = 24;
const control = new Uint8Array(SEGMENT_CONTROL_BYTES + DETAIL_CONTROL_BYTES_MAX);
const view = new DataView(control.buffer);
view.setUint32(0, 18, true);
view.setInt32(8, IPPROTO_UDP, true);
view.setInt32(12, UDP_SEGMENT, true);

/** Datagrams of `stride` bytes each, the last one perhaps shorter. */
export interface SegmentRun {
	readonly data: Uint8Array;
	/** Of `data` when the run began. */
	readonly bytes: number;
	readonly stride: number;
	readonly to: Destination;
	/** Bytes sent so far. */
	sentBytes: number;
}

/** Datagrams that are left. */
export function segmentsLeft({ bytes, sentBytes, stride }: SegmentRun): number {
	return Math.ceil((bytes - sentBytes) / stride);
}

/**
 * Sends as much as one call takes, and moves `sentBytes` on.
 *
 * @param isGlued whether the kernel is to cut datagrams out of larger messages
 * @returns datagrams that went, or -errno when none did
 * @throws {InvalidValueError} the memory has gone meanwhile
 */
export function sendSegments(fd: number, run: SegmentRun, isGlued: boolean): number {
	if (run.data.length < run.bytes) {
		throw new InvalidValueError("data", KEEP_BYTES, "transferred or shrunk");
	}
	return reaching(run.to, (name) => sendTo(fd, run, isGlued, name));
}

function sendTo(fd: number, run: SegmentRun, isGlued: boolean, name: Uint8Array): number {
	const { data, stride, to } = run;
	const end = run.bytes;
	const perMessage = isGlued
		? Math.max(1, Math.min(SEGMENTS_MAX, Math.floor(to.maxBytes / stride)))
		: 1;
	const details = to.control?.length ?? 0;
	if (to.control !== undefined) control.set(to.control, SEGMENT_CONTROL_BYTES);
	let offset = run.sentBytes;
	let rows = 0;
	for (; rows < ROWS_MAX && offset < end; rows++) {
		const bytes = Math.min(perMessage * stride, end - offset);
		const base = rows * BATCH_COLUMNS;
		table[base + BATCH_DATA_OFFSET] = offset;
		table[base + BATCH_DATA_LENGTH] = bytes;
		table[base + BATCH_NAME_LENGTH] = name.length;
		const skipped = bytes > stride ? 0 : SEGMENT_CONTROL_BYTES;
		table[base + BATCH_CONTROL_OFFSET] = skipped;
		table[base + BATCH_CONTROL_LENGTH] = SEGMENT_CONTROL_BYTES - skipped + details;
		offset += bytes;
	}
	view.setUint16(16, stride, true);
	const send = (): number => sys.sendmmsg(fd, table, 0, rows, data, name, control, 0);
	const rc = to.isUnfragmented ? sendUnfragmented(fd, send) : send();
	if (rc <= 0) return rc;
	const before = segmentsLeft(run);
	run.sentBytes = Math.min(end, run.sentBytes + rc * perMessage * stride);
	return before - segmentsLeft(run);
}
