/** The faults that there are, by Toxiproxy's names where it has one, and what each can be told. */
import { requireObject, requireOneOf, requireString } from "../arguments.ts";
import { InvalidTypeError, InvalidValueError, OutOfRangeError } from "../errors.ts";

/** A direction: `upstream` from the client to the server, `downstream` back. */
export type FaultDirection = "upstream" | "downstream";

/** Faults of streams of bytes. */
export type StreamToxicType =
	| "latency"
	| "bandwidth"
	| "slicer"
	| "slow_close"
	| "timeout"
	| "limit_data"
	| "reset_peer"
	| "half_open";

/** Faults of datagrams. */
export type DatagramToxicType =
	| "latency"
	| "bandwidth"
	| "loss"
	| "duplicate"
	| "reorder"
	| "corrupt";

/** Faults of connections that keep message boundaries. */
export type PacketToxicType = DatagramToxicType | Exclude<StreamToxicType, "slicer">;

/** Any fault. */
export type ToxicType = StreamToxicType | DatagramToxicType;

/** A fault as it is asked for. */
export interface ToxicRequest {
	readonly type: ToxicType;
	/** Default `TYPE_DIRECTION`, as in `latency_downstream`. */
	readonly name?: string | undefined;
	/** Default `downstream`. */
	readonly stream?: FaultDirection | undefined;
	/** The share of connections that have it, 0..1; of datagrams, the share of peers. Default 1. */
	readonly toxicity?: number | undefined;
	/** By name; see docs/fault.md. What is not given is 0, or what the table there says. */
	readonly attributes?: Readonly<Record<string, number>> | undefined;
}

/** A fault with everything filled in. */
export interface Toxic {
	/** Unique in its plan. */
	readonly name: string;
	/** What it does. */
	readonly type: ToxicType;
	/** The direction in which it works. */
	readonly stream: FaultDirection;
	/** The share of connections, or of peers, that have it, 0..1. */
	readonly toxicity: number;
	/** All that its type has, by name; units as in docs/fault.md. */
	readonly attributes: Readonly<Record<string, number>>;
}

interface Attribute {
	readonly usual: number;
	readonly min: number;
	readonly max: number;
}

const DAY_MS = 86_400_000;
const milliseconds: Attribute = { usual: 0, min: 0, max: DAY_MS };
const bytes: Attribute = { usual: 0, min: 0, max: Number.MAX_SAFE_INTEGER };
const probability: Attribute = { usual: 0, min: 0, max: 1 };

const ATTRIBUTES: Readonly<Record<ToxicType, Readonly<Record<string, Attribute>>>> = {
	latency: { latency: milliseconds, jitter: milliseconds },
	bandwidth: { rate: { usual: 0, min: 0, max: 1_000_000_000 } },
	slicer: {
		average_size: { usual: 1024, min: 1, max: 1_073_741_824 },
		size_variation: { usual: 0, min: 0, max: 1_073_741_823 },
		delay: { usual: 0, min: 0, max: 60_000_000 },
	},
	slow_close: { delay: milliseconds },
	timeout: { timeout: milliseconds },
	limit_data: { bytes },
	reset_peer: { timeout: milliseconds, bytes },
	half_open: { timeout: milliseconds, bytes },
	loss: { probability },
	duplicate: { probability },
	reorder: {
		probability,
		delay: { usual: 20, min: 0, max: DAY_MS },
	},
	corrupt: { probability },
};

/** What is disturbed: bytes, datagrams, or the messages of connections (seqpacket). */
export type FaultKind = "stream" | "datagrams" | "packets";

const HITTING = ["loss", "duplicate", "reorder", "corrupt"] as const;
const DATAGRAM_TYPES: readonly DatagramToxicType[] = ["latency", "bandwidth", ...HITTING];
const ENDING = ["slow_close", "timeout", "limit_data", "reset_peer", "half_open"] as const;
const STREAM_TYPES: readonly StreamToxicType[] = ["latency", "bandwidth", "slicer", ...ENDING];
const PACKET_TYPES: readonly PacketToxicType[] = [...DATAGRAM_TYPES, ...ENDING];

/** The faults that each kind can have. */
export const TOXIC_TYPES: Readonly<Record<FaultKind, readonly ToxicType[]>> = {
	stream: STREAM_TYPES,
	datagrams: DATAGRAM_TYPES,
	packets: PACKET_TYPES,
};

/**
 * Fills in what a request leaves out.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} it makes no sense, or not for this kind
 */
export function completeToxic(request: ToxicRequest, kind: FaultKind): Toxic {
	const input = requireObject("toxic", request) as ToxicRequest;
	const type = requireOneOf("type", input.type, TOXIC_TYPES[kind]);
	const stream = requireOneOf("stream", input.stream ?? "downstream", ["upstream", "downstream"]);
	const name = requireString("name", input.name ?? `${type}_${stream}`);
	if (name === "") throw new InvalidValueError("name", "must not be empty", name);
	const toxicity = requireNumber("toxicity", input.toxicity ?? 1, 0, 1);
	const attributes = completeAttributes(type, input.attributes ?? {});
	return { name, type, stream, toxicity, attributes };
}

function completeAttributes(
	type: ToxicType,
	given: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
	const known = ATTRIBUTES[type];
	const unknown = Object.keys(requireObject("attributes", given)).find(
		(name) => !Object.hasOwn(known, name),
	);
	if (unknown !== undefined) {
		const names = Object.keys(known).join(", ");
		throw new InvalidValueError("attributes", `of ${type} are ${names}`, unknown);
	}
	const entries = Object.entries(known).map(([name, { usual, min, max }]) => {
		return [name, requireNumber(`attributes.${name}`, given[name] ?? usual, min, max)] as const;
	});
	return Object.freeze(Object.fromEntries(entries));
}

function requireNumber(name: string, value: unknown, min: number, max: number): number {
	if (typeof value !== "number") {
		throw new InvalidTypeError(name, `a number from ${min} to ${max}`, value);
	}
	if (value >= min && value <= max) return value;
	throw new OutOfRangeError(name, `a number from ${min} to ${max}`, value);
}
