/** Which kind to use when, in words, from the measured rows. Names no winner inside the noise. Pure. */
import {
	formatCount,
	formatGigabits,
	formatRate,
	formatRatio,
	formatShare,
	formatUs,
} from "./figure.ts";
import type { Kind } from "./kinds.ts";
import { bestRows, type Metric, type Row } from "./rows.ts";
import { type Estimate, isTie } from "./statistics.ts";

/** One piece of advice. */
export interface Advice {
	/** When it applies. */
	readonly when: string;
	/** What to use then. */
	readonly use: string;
	/** Why, with the figures. */
	readonly why: string;
}

/** What the advice depends on besides the rows. */
export interface Circumstances {
	/** Whether a network, or at least another program of the user's, was in between. */
	readonly isRemote: boolean;
}

const NOISE = "no difference beyond the noise";
/** The rate at which a saving is shown: what an ordinary busy service does. */
const REQUESTS_PER_SECOND = 1_000;

/** Draws the conclusions. */
export function advise(rows: readonly Row[], { isRemote }: Circumstances): Advice[] {
	const byKind = new Map(rows.map((row) => [row.kind, row]));
	const advice = [
		...(isRemote ? [] : [sameMachine(byKind), wholeMessages(byKind)]),
		anotherMachine(byKind, isRemote),
		lossy(byKind, isRemote),
		shortConnections(byKind),
		bulk(rows),
	];
	return advice.filter((each) => each !== undefined);
}

type Rows = ReadonlyMap<Kind, Row>;

function sameMachine(rows: Rows): Advice | undefined {
	const [unix, tcp] = both(rows, "unix", "tcp", "p50Us");
	if (unix === undefined || tcp === undefined) return undefined;
	const when = "Both programs stay on one machine";
	const times = `Unix stream ${us(unix)}, TCP ${us(tcp)}`;
	if (isTie(unix, tcp)) {
		return {
			when,
			use: "Unix stream or TCP, as you like",
			why: `A round trip shows ${NOISE} (${times}). A Unix socket adds file permissions and the peer's identity; TCP can move to another machine.`,
		};
	}
	const saving = `${formatUs(Math.abs(tcp.value - unix.value))} us a round trip, which at ${formatCount(REQUESTS_PER_SECOND)} of them a second is ${share(Math.abs(tcp.value - unix.value))} of the time`;
	if (unix.value < tcp.value) {
		return {
			when,
			use: "Unix stream",
			why: `${times}: ${formatRatio(tcp.value / unix.value)} times as fast. It saves ${saving}; adds file permissions and the peer's identity.`,
		};
	}
	return {
		when,
		use: "TCP",
		why: `${times}: here TCP is ahead, by ${saving}. A Unix socket still adds file permissions and the peer's identity.`,
	};
}

function wholeMessages(rows: Rows): Advice | undefined {
	const [packets, stream] = both(rows, "unix-seqpacket", "unix", "p50Us");
	if (packets === undefined || stream === undefined) return undefined;
	const when = "Messages should arrive whole, on one machine";
	const [rate, joined] = both(rows, "unix-seqpacket", "unix", "smallPerSecond");
	const price = isTie(packets, stream)
		? `and a round trip shows ${NOISE} against a Unix stream`
		: `and a round trip takes ${us(packets)}, a Unix stream ${us(stream)}`;
	const pace =
		rate && joined && rate.value < joined.value && !isTie(rate, joined)
			? ` Each message is a system call of its own, so that ${formatRate(rate.value)} small ones a second get through; a byte stream joins them and reaches ${formatRate(joined.value)}.`
			: "";
	return { when, use: "Unix seqpacket", why: `You need no framing of your own, ${price}.${pace}` };
}

function anotherMachine(rows: Rows, isRemote: boolean): Advice | undefined {
	const row = rows.get("tcp");
	const tcp = row?.metrics.p50Us;
	if (row === undefined || tcp === undefined) return undefined;
	return {
		when: isRemote ? "Nothing may be lost" : "The other program may move to another machine",
		use: "TCP",
		why: isRemote
			? `A round trip takes ${us(tcp)} between these two, 99 of 100 stay below ${us(row.metrics.p99Us as Estimate)}.`
			: "Of all kinds here it alone crosses machines and loses nothing. A network adds its own delay: measure it with --serve there and --to here.",
	};
}

function lossy(rows: Rows, isRemote: boolean): Advice | undefined {
	const row = rows.get("udp");
	if (row === undefined) return undefined;
	const [udp, tcp] = both(rows, "udp", "tcp", "p50Us");
	const lost = Math.max(row.smallLost, row.largeLost);
	const where = isRemote ? "" : ", without any network";
	const loss =
		lost > 0
			? `Sent without a pause, up to ${formatShare(lost)} were lost${where}: pace what you send, and expect loss.`
			: "Nothing was lost here, but nothing protects from it: expect loss.";
	return {
		when: "The latest message matters more than every message",
		use: "UDP",
		why: `${loss} ${udp && tcp ? againstTcp(udp, tcp) : ""}`.trim(),
	};
}

function againstTcp(udp: Estimate, tcp: Estimate): string {
	const times = `UDP ${us(udp)}, TCP ${us(tcp)}`;
	if (isTie(udp, tcp)) return `A round trip shows ${NOISE} against TCP (${times}).`;
	if (udp.value < tcp.value) return `A round trip is shorter than by TCP (${times}).`;
	return `A round trip is no shorter than by TCP (${times}): speed is no reason for it.`;
}

function shortConnections(rows: Rows): Advice | undefined {
	const [unix, tcp] = both(rows, "unix", "tcp", "setUpUs");
	if (tcp === undefined) return undefined;
	const trip = rows.get("tcp")?.metrics.p50Us;
	const trips = trip && formatRatio(tcp.value / trip.value);
	const worth = trips
		? `, as much as ${trips === "1.0" ? "one round trip" : `${trips} round trips`}`
		: "";
	const beside = unix ? `; a Unix stream ${us(unix)}${isTie(unix, tcp) ? ` (${NOISE})` : ""}` : "";
	return {
		when: "A connection for every request",
		use: "Keep connections open instead",
		why: `To connect and close takes TCP ${us(tcp)}${worth}${beside}.`,
	};
}

function bulk(rows: readonly Row[]): Advice | undefined {
	const reliable = rows.filter(({ kind }) => kind !== "udp" && kind !== "pipe");
	if (reliable.length < 2) return undefined;
	const best = bestRows(reliable, "largeBytesPerSecond");
	const names = best.map(({ label }) => label);
	const figures = reliable.map((row) => `${row.label} ${formatGigabits(large(row))}`).join(", ");
	return {
		when: "Much data in one direction",
		use: best.length === reliable.length ? "Any of them" : names.join(" or "),
		why: `${best.length > 1 ? `Among ${best.length === reliable.length ? "all" : "these"}: ${NOISE}. ` : ""}Gbit/s: ${figures}.`,
	};
}

function large(row: Row): number {
	return row.metrics.largeBytesPerSecond?.value ?? Number.NaN;
}

function both(
	rows: Rows,
	a: Kind,
	b: Kind,
	metric: Metric,
): [Estimate | undefined, Estimate | undefined] {
	return [rows.get(a)?.metrics[metric], rows.get(b)?.metrics[metric]];
}

function us({ value }: Estimate): string {
	return `${formatUs(value)} us`;
}

// What so many microseconds, as often as requests come, are of a second.
function share(savedUs: number): string {
	return formatShare((savedUs * REQUESTS_PER_SECOND) / 1e6);
}
