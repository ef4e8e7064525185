/** TCP_INFO decoded: state and figures of one TCP connection, as the kernel keeps them. */

/** States of RFC 9293, and the two that Linux adds. */
export type TcpState =
	| "ESTABLISHED"
	| "SYN_SENT"
	| "SYN_RECV"
	| "FIN_WAIT1"
	| "FIN_WAIT2"
	| "TIME_WAIT"
	| "CLOSE"
	| "CLOSE_WAIT"
	| "LAST_ACK"
	| "LISTEN"
	| "CLOSING"
	| "NEW_SYN_RECV"
	| "BOUND_INACTIVE"
	| "UNKNOWN";

/** State of the congestion control. */
export type TcpCongestionState = "OPEN" | "DISORDER" | "CWR" | "RECOVERY" | "LOSS" | "UNKNOWN";

/**
 * `struct tcp_info` in the order of linux/tcp.h, its names in camel case and with their unit where
 * they are no counts.
 *
 * Every field is a number: 64-bit counters are exact up to 2^53 - 1 (9 petabytes), and a rate
 * without limit (all bits set) is Infinity. What an older kernel does not tell is undefined.
 */
export interface TcpInfo {
	readonly state: TcpState;
	readonly congestionState: TcpCongestionState;
	/** Unanswered retransmissions of the same segment. */
	readonly retransmits: number;
	/** Unanswered probes of a closed window or an idle connection. */
	readonly probes: number;
	/** Doublings of the retransmission timeout. */
	readonly backoff: number;
	/**
	 * TCPI_OPT_* bits: 1 timestamps, 2 SACK, 4 window scaling, 8 ECN, 16 ECN seen, 32 data in SYN.
	 */
	readonly options: number;
	readonly sndWscale: number;
	readonly rcvWscale: number;
	readonly deliveryRateAppLimited: boolean;
	readonly fastopenClientFail: number;
	readonly rtoUs: number;
	readonly atoUs: number;
	readonly sndMssBytes: number;
	readonly rcvMssBytes: number;
	/** Segments on the way; on a listener, connections that wait for accept. */
	readonly unacked: number;
	/** Segments acknowledged selectively; on a listener, its backlog. */
	readonly sacked: number;
	readonly lost: number;
	readonly retrans: number;
	readonly fackets: number;
	/** Time since data was sent last. */
	readonly lastDataSentMs: number;
	/** Always 0 on Linux. */
	readonly lastAckSentMs: number;
	readonly lastDataRecvMs: number;
	readonly lastAckRecvMs: number;
	readonly pmtuBytes: number;
	readonly rcvSsthreshBytes: number;
	/** Smoothed round-trip time. */
	readonly rttUs: number;
	readonly rttvarUs: number;
	/** Slow-start threshold in segments. */
	readonly sndSsthresh: number;
	/** Congestion window in segments. */
	readonly sndCwnd: number;
	readonly advmssBytes: number;
	readonly reordering: number;
	readonly rcvRttUs: number;
	readonly rcvSpaceBytes: number;
	/** Segments retransmitted in the life of the connection. */
	readonly totalRetrans: number;
	readonly pacingRateBytesPerSecond?: number;
	readonly maxPacingRateBytesPerSecond?: number;
	readonly bytesAcked?: number;
	readonly bytesReceived?: number;
	readonly segsOut?: number;
	readonly segsIn?: number;
	/** Bytes in the send queue that have not been sent yet. */
	readonly notsentBytes?: number;
	readonly minRttUs?: number;
	readonly dataSegsIn?: number;
	readonly dataSegsOut?: number;
	readonly deliveryRateBytesPerSecond?: number;
	/** Time with data to send. */
	readonly busyTimeUs?: number;
	/** Of that, time limited by the peer's window. */
	readonly rwndLimitedUs?: number;
	/** Of that, time limited by the send buffer. */
	readonly sndbufLimitedUs?: number;
	readonly delivered?: number;
	readonly deliveredCe?: number;
	readonly bytesSent?: number;
	readonly bytesRetrans?: number;
	readonly dsackDups?: number;
	readonly reordSeen?: number;
	readonly rcvOoopack?: number;
	/** The peer's window. Since Linux 5.4. */
	readonly sndWndBytes?: number;
	/** Our window. Since Linux 6.2. */
	readonly rcvWndBytes?: number;
	/** Since Linux 6.2. */
	readonly rehash?: number;
	/** Retransmission timeouts. Since Linux 6.7. */
	readonly totalRto?: number;
	readonly totalRtoRecoveries?: number;
	readonly totalRtoTimeMs?: number;
	/**
	 * Segments with the CE mark. Since Linux 6.18, as are the ECN byte counters, which wrap at 2^32.
	 */
	readonly receivedCe?: number;
	readonly deliveredE1Bytes?: number;
	readonly deliveredE0Bytes?: number;
	readonly deliveredCeBytes?: number;
	readonly receivedE1Bytes?: number;
	readonly receivedE0Bytes?: number;
	readonly receivedCeBytes?: number;
}

type PlainField = Exclude<
	keyof TcpInfo,
	| "state"
	| "congestionState"
	| "retransmits"
	| "probes"
	| "backoff"
	| "options"
	| "sndWscale"
	| "rcvWscale"
	| "deliveryRateAppLimited"
	| "fastopenClientFail"
>;

const STATES: readonly TcpState[] = [
	"UNKNOWN",
	"ESTABLISHED",
	"SYN_SENT",
	"SYN_RECV",
	"FIN_WAIT1",
	"FIN_WAIT2",
	"TIME_WAIT",
	"CLOSE",
	"CLOSE_WAIT",
	"LAST_ACK",
	"LISTEN",
	"CLOSING",
	"NEW_SYN_RECV",
	"BOUND_INACTIVE",
];
const CONGESTION_STATES: readonly TcpCongestionState[] = [
	"OPEN",
	"DISORDER",
	"CWR",
	"RECOVERY",
	"LOSS",
];

// Fields and their sizes in bytes from offset 8 on. The order is the kernel's; new ones only come
// at the end.
// biome-ignore format: the layout of a structure
const FIELDS: readonly (readonly [name: PlainField, size: 2 | 4 | 8])[] = [
	["rtoUs", 4], ["atoUs", 4], ["sndMssBytes", 4], ["rcvMssBytes", 4],
	["unacked", 4], ["sacked", 4], ["lost", 4], ["retrans", 4], ["fackets", 4],
	["lastDataSentMs", 4], ["lastAckSentMs", 4], ["lastDataRecvMs", 4], ["lastAckRecvMs", 4],
	["pmtuBytes", 4], ["rcvSsthreshBytes", 4], ["rttUs", 4], ["rttvarUs", 4],
	["sndSsthresh", 4], ["sndCwnd", 4], ["advmssBytes", 4], ["reordering", 4],
	["rcvRttUs", 4], ["rcvSpaceBytes", 4], ["totalRetrans", 4],
	["pacingRateBytesPerSecond", 8], ["maxPacingRateBytesPerSecond", 8],
	["bytesAcked", 8], ["bytesReceived", 8], ["segsOut", 4], ["segsIn", 4],
	["notsentBytes", 4], ["minRttUs", 4], ["dataSegsIn", 4], ["dataSegsOut", 4],
	["deliveryRateBytesPerSecond", 8],
	["busyTimeUs", 8], ["rwndLimitedUs", 8], ["sndbufLimitedUs", 8],
	["delivered", 4], ["deliveredCe", 4], ["bytesSent", 8], ["bytesRetrans", 8],
	["dsackDups", 4], ["reordSeen", 4], ["rcvOoopack", 4], ["sndWndBytes", 4],
	["rcvWndBytes", 4], ["rehash", 4],
	["totalRto", 2], ["totalRtoRecoveries", 2], ["totalRtoTimeMs", 4],
	["receivedCe", 4], ["deliveredE1Bytes", 4], ["deliveredE0Bytes", 4], ["deliveredCeBytes", 4],
	["receivedE1Bytes", 4], ["receivedE0Bytes", 4], ["receivedCeBytes", 4],
];

/** Room for the structure of any kernel known, and of some to come. */
export const TCP_INFO_BYTES_MAX = 512;

/**
 * Decodes `struct tcp_info` as getsockopt(2) returned it: exactly the bytes that the kernel filled.
 *
 * @see tcp(7), linux/tcp.h
 */
export function decodeTcpInfo(bytes: Uint8Array): TcpInfo {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const byte = (offset: number): number => bytes[offset] ?? 0;
	const plain: Record<string, number> = {};
	let offset = 8;
	for (const [name, size] of FIELDS) {
		if (offset + size > bytes.length) break;
		plain[name] = readUint(view, offset, size);
		offset += size;
	}
	return {
		state: STATES[byte(0)] ?? "UNKNOWN",
		congestionState: CONGESTION_STATES[byte(1)] ?? "UNKNOWN",
		retransmits: byte(2),
		probes: byte(3),
		backoff: byte(4),
		options: byte(5),
		sndWscale: byte(6) & 0xf,
		rcvWscale: byte(6) >> 4,
		deliveryRateAppLimited: (byte(7) & 1) === 1,
		fastopenClientFail: (byte(7) >> 1) & 3,
		...(plain as { [Name in PlainField]: number }),
	};
}

function readUint(view: DataView, offset: number, size: 2 | 4 | 8): number {
	if (size === 2) return view.getUint16(offset, true);
	const low = view.getUint32(offset, true);
	if (size === 4) return low;
	const high = view.getUint32(offset + 4, true);
	const isUnlimited = low === 0xffff_ffff && high === 0xffff_ffff;
	return isUnlimited ? Number.POSITIVE_INFINITY : high * 0x1_0000_0000 + low;
}
