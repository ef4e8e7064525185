/** Measures one kind once: set-up, round trips, small and large messages in one direction. */
import { SyscallError } from "../../index.ts";
import { Conversation, type Flow } from "./conversation.ts";
import { PeerError } from "./link.ts";
import { type Slices, SMALL_BYTES } from "./plan.ts";
import type { Samples } from "./samples.ts";
import type { Target } from "./target.ts";

/** Ranks of the round-trip times that are kept. */
export const RANKS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const;

/** What one round found for one kind. */
export interface Figures {
	/** Median time to connect and close, in microseconds. */
	readonly setUpUs: number | undefined;
	/** Round-trip times at `RANKS`, in microseconds. */
	readonly roundTripUs: readonly number[];
	/** Round trips measured. */
	readonly roundTrips: number;
	/** Round trips that had to be repeated. */
	readonly repeated: number;
	readonly small: Flow;
	/** Payload of the large messages that arrived, in bytes per second. */
	readonly largeBytesPerSecond: number;
	readonly largeLost: number;
}

/** What is needed to measure. */
export interface Setting {
	readonly slices: Slices;
	readonly size: number;
	/** Memory for the samples, used by one measurement at a time. */
	readonly samples: Samples;
	readonly signal: AbortSignal;
}

const SET_UPS_MIN = 5;
const SET_UPS_MAX = 500;

/**
 * Measures.
 *
 * @throws {PeerError} nobody there speaks the protocol
 * @throws {SyscallError} ECONNREFUSED, ECONNRESET and others
 */
export async function measureOnce(target: Target, setting: Setting): Promise<Figures> {
	const { slices, size, samples, signal } = setting;
	const conversation = new Conversation(await target.open(signal));
	const onAbort = (): void => conversation.abort();
	signal.addEventListener("abort", onAbort, { once: true });
	try {
		signal.throwIfAborted();
		await conversation.greet();
		samples.clear();
		const repeated = await conversation.roundTrips(size, slices.roundTripMs, samples);
		const small = await conversation.flow(SMALL_BYTES, slices.smallMs);
		const large = await conversation.flow(target.largeBytes, slices.largeMs);
		await conversation.close();
		const roundTripUs = samples.quantiles(RANKS);
		const roundTrips = samples.count;
		return {
			setUpUs: await measureSetUp(target, setting),
			roundTripUs,
			roundTrips,
			repeated,
			small,
			largeBytesPerSecond: large.perSecond * target.largeBytes,
			largeLost: large.lost,
		};
	} catch (error) {
		conversation.abort();
		throw explain(conversation.reasonFor(error), target);
	} finally {
		signal.removeEventListener("abort", onAbort);
	}
}

async function measureSetUp(
	{ openAndClose }: Target,
	{ slices, samples, signal }: Setting,
): Promise<number | undefined> {
	if (openAndClose === undefined) return undefined;
	samples.clear();
	const end = performance.now() + slices.setUpMs;
	for (let now = 0; now < end || samples.count < SET_UPS_MIN; ) {
		const start = performance.now();
		await openAndClose(signal);
		now = performance.now();
		samples.add((now - start) * 1000);
		if (samples.count === SET_UPS_MAX) break;
	}
	return samples.quantiles([0.5])[0];
}

function explain(error: unknown, { place }: Target): unknown {
	if (error instanceof PeerError) {
		return new PeerError(
			`${place} is no socketry compare server (${error.message}); start one there: socketry compare --serve ADDRESS`,
		);
	}
	if (!(error instanceof SyscallError) || error.address !== undefined) return error;
	if (error.path !== undefined) return error;
	const { code, message } = error;
	return Object.assign(new Error(`${place}: ${message}`, { cause: error }), { code });
}
