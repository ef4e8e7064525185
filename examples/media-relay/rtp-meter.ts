/** Loss and jitter of one RTP stream, as RFC 3550 appendix A defines them. */

/** What a stream has shown so far. */
export interface RtpReport {
	readonly received: number;
	/** Expected less received: negative when datagrams were duplicated. */
	readonly lost: number;
	/** Datagrams older than one that had come before. */
	readonly late: number;
	/** Mean deviation of the time between datagrams, in milliseconds. */
	readonly jitterMs: number;
}

const HEADER_BYTES = 12;
const SEQUENCE_COUNT = 65_536;
/** Ticks per second of MPEG-TS and of all video formats; RFC 3551. */
const CLOCK_HZ = 90_000;
/** Payload types that RTCP's packet types look like; RFC 5761 section 4. */
const RTCP_TYPES = { from: 64, to: 95 };

/** The header of a datagram that is RTP. */
export interface RtpHeader {
	readonly sequence: number;
	readonly timestamp: number;
	readonly source: number;
}

/** Undefined when it is something else, MPEG-TS without RTP or RTCP perhaps. */
export function readRtpHeader(data: Uint8Array): RtpHeader | undefined {
	const [first = 0, second = 0] = data;
	const type = second & 127;
	if (data.length < HEADER_BYTES || first >> 6 !== 2) return undefined;
	if (type >= RTCP_TYPES.from && type <= RTCP_TYPES.to) return undefined;
	const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
	return {
		sequence: view.getUint16(2),
		timestamp: view.getUint32(4),
		source: view.getUint32(8),
	};
}

/** Adds up what comes of one stream. */
export class RtpMeter {
	#first = 0;
	// Goes on counting where the sequence number begins anew.
	#highest = -1;
	#received = 0;
	#late = 0;
	#jitterTicks = 0;
	#transitTicks: number | undefined;

	/** @param arrivalNs when it came, by any clock */
	add({ sequence, timestamp }: RtpHeader, arrivalNs: bigint): void {
		this.#received++;
		if (this.#highest < 0) {
			this.#first = sequence;
			this.#highest = sequence;
		} else {
			// Of the numbers that it may stand for the one next to the highest so far.
			const ahead = (sequence - this.#highest) & (SEQUENCE_COUNT - 1);
			if (ahead === 0 || ahead >= SEQUENCE_COUNT / 2) this.#late++;
			else this.#highest += ahead;
		}
		const arrivalTicks = Number((arrivalNs * BigInt(CLOCK_HZ)) / 1_000_000_000n) >>> 0;
		const transitTicks = (arrivalTicks - timestamp) | 0;
		if (this.#transitTicks !== undefined) {
			const difference = Math.abs((transitTicks - this.#transitTicks) | 0);
			this.#jitterTicks += (difference - this.#jitterTicks) / 16;
		}
		this.#transitTicks = transitTicks;
	}

	/** What it knows by now. */
	report(): RtpReport {
		const expected = this.#received === 0 ? 0 : this.#highest - this.#first + 1;
		return {
			received: this.#received,
			lost: expected - this.#received,
			late: this.#late,
			jitterMs: (this.#jitterTicks * 1_000) / CLOCK_HZ,
		};
	}
}
