/** Loss and jitter of MPEG-TS that comes without RTP: by the counters and the clock that the packets themselves carry; ISO/IEC 13818-1. */

/** What a transport stream has shown so far. */
export interface TsReport {
	readonly packets: number;
	/** Steps that are missing in the counters of its elementary streams. A counter has four bits: 16 packets lost in a row look like none. */
	readonly lost: number;
	/** Pictures that have begun, in all video streams. */
	readonly frames: number;
	/** Mean deviation of the time between clock references from what they say, in milliseconds. */
	readonly jitterMs: number;
}

const PACKET_BYTES = 188;
const SYNC = 0x47;
/** Packets of this stream only fill up; their counters mean nothing. */
const NULL_PID = 0x1fff;
const CLOCK_HZ = 90_000;
/** PES stream ids of video. */
const VIDEO = { from: 0xe0, to: 0xef };

/** Whether a datagram is nothing but whole packets. */
export function isTransportStream(data: Uint8Array): boolean {
	if (data.length === 0 || data.length % PACKET_BYTES !== 0) return false;
	for (let at = 0; at < data.length; at += PACKET_BYTES) if (data[at] !== SYNC) return false;
	return true;
}

/** Adds up what comes of one transport stream. */
export class TsMeter {
	#packets = 0;
	#lost = 0;
	#frames = 0;
	#jitterTicks = 0;
	// By the number of an elementary stream, its last counter.
	readonly #counters = new Map<number, number>();
	// By the same, how long its last clock reference took, by two clocks that do not agree on the time.
	readonly #transitTicks = new Map<number, number>();

	/** @param arrivalNs when it came, by any clock */
	add(data: Uint8Array, arrivalNs: bigint): void {
		const ticks = Number((arrivalNs * BigInt(CLOCK_HZ)) / 1_000_000_000n);
		for (let at = 0; at < data.length; at += PACKET_BYTES) {
			this.#addPacket(data.subarray(at, at + PACKET_BYTES), ticks);
		}
	}

	/** What it knows by now. */
	report(): TsReport {
		const jitterMs = (this.#jitterTicks * 1_000) / CLOCK_HZ;
		return { packets: this.#packets, lost: this.#lost, frames: this.#frames, jitterMs };
	}

	#addPacket(packet: Uint8Array, arrivalTicks: number): void {
		this.#packets++;
		const [, second = 0, third = 0, fourth = 0, fieldBytes = 0, flags = 0] = packet;
		const pid = ((second & 0x1f) << 8) | third;
		if (pid === NULL_PID) return;
		const hasField = (fourth & 0x20) !== 0;
		const hasPayload = (fourth & 0x10) !== 0;
		const hasFlags = hasField && fieldBytes > 0;
		// A discontinuity that is announced is no loss.
		if (hasPayload) this.#count(pid, fourth & 0x0f, hasFlags && (flags & 0x80) !== 0);
		if (hasFlags && (flags & 0x10) !== 0) this.#addClock(pid, packet, arrivalTicks);
		const start = hasField ? 5 + fieldBytes : 4;
		if ((second & 0x40) !== 0 && hasPayload && beginsPicture(packet.subarray(start)))
			this.#frames++;
	}

	#count(pid: number, counter: number, isAnnounced: boolean): void {
		const last = this.#counters.get(pid);
		this.#counters.set(pid, counter);
		// The same once more is a duplicate, which is allowed.
		if (last === undefined || isAnnounced || counter === last) return;
		this.#lost += (counter - last - 1) & 0x0f;
	}

	// The upper 32 of 33 bits do: at 45 kHz.
	#addClock(pid: number, packet: Uint8Array, arrivalTicks: number): void {
		const base = new DataView(packet.buffer, packet.byteOffset + 6, 4).getUint32(0);
		const transit = (Math.floor(arrivalTicks / 2) - base) | 0;
		const last = this.#transitTicks.get(pid);
		this.#transitTicks.set(pid, transit);
		if (last === undefined) return;
		const difference = 2 * Math.abs((transit - last) | 0);
		this.#jitterTicks += (difference - this.#jitterTicks) / 16;
	}
}

function beginsPicture([first, second, third, id = 0]: Uint8Array): boolean {
	return first === 0 && second === 0 && third === 1 && id >= VIDEO.from && id <= VIDEO.to;
}
