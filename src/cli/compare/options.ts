/** The command line of `socketry compare`. */
import { type Address, formatAddress, parseAddress } from "../../index.ts";
import { nearest } from "../../nearest.ts";
import { UsageError } from "../exit-code.ts";
import { parseOptions } from "../options.ts";
import { parseDuration, parseSize } from "../quantity.ts";
import { OPTIONS } from "./guide.ts";
import { isKind, KIND_NAMES, type Kind } from "./kinds.ts";
import { DURATION_MS, QUICK_MS } from "./plan.ts";
import { kindOf } from "./target.ts";

/** A comparison as it was asked for. */
export interface Request {
	readonly kinds: readonly Kind[];
	/** Servers to talk to; none for a local comparison. */
	readonly to: readonly Address[];
	/** Where to serve others; nothing is compared then. */
	readonly serve: readonly Address[];
	/** Kinds to serve for the process that started this one. */
	readonly internalServe: string | undefined;
	readonly size: number;
	readonly durationMs: number;
	readonly isQuick: boolean;
	readonly json: boolean;
	/** File to write the page to. */
	readonly html: string | undefined;
}

/** Largest UDP payload over IPv4: every kind can carry it. */
const SIZE_MAX = 65_507;
const SIZE_DEFAULT = 64;
const DURATION_MIN_MS = 100;
const DURATION_MAX_MS = 600_000;

/**
 * Reads the arguments.
 *
 * @throws {UsageError} they are wrong, or contradict each other
 * @throws {InvalidAddressError} an address is malformed
 */
export function readRequest(args: readonly string[]): Request {
	const values = parseOptions(args, OPTIONS);
	const { quick = false, size, duration, kind, json = false, html } = values;
	const serve = (values.serve ?? []).map((text) => readAddress("--serve", text));
	const to = (values.to ?? []).map((text) => readAddress("--to", text));
	if (serve.length > 0 && (quick || size || duration || kind || html || to.length > 0)) {
		throw new UsageError("--serve goes with --json only: the client says what is measured");
	}
	if (to.length > 0 && kind !== undefined) {
		throw new UsageError("--to says which kinds to measure: leave --kind out");
	}
	if (quick && duration !== undefined) {
		throw new UsageError("--quick and --duration both say how long: give one of them");
	}
	checkDifferent(to);
	const usualMs = quick ? QUICK_MS : DURATION_MS;
	return {
		kinds: kind === undefined ? KIND_NAMES : readKinds(kind),
		to,
		serve,
		internalServe: values["internal-serve"],
		size: size === undefined ? SIZE_DEFAULT : parseSize("--size", size, 1, SIZE_MAX),
		durationMs:
			duration === undefined
				? usualMs
				: parseDuration("--duration", duration, DURATION_MIN_MS, DURATION_MAX_MS),
		isQuick: quick,
		json,
		html,
	};
}

function readKinds(list: string): Kind[] {
	const names = list.split(",").map((name) => name.trim());
	const kinds = names.map((name) => {
		if (isKind(name)) return name;
		const meant = nearest(name, KIND_NAMES);
		const hint =
			meant === undefined ? `choose from ${KIND_NAMES.join(", ")}` : `did you mean ${meant}?`;
		throw new UsageError(`--kind: there is no kind "${name}"; ${hint}`);
	});
	return KIND_NAMES.filter((kind) => kinds.includes(kind));
}

function readAddress(option: string, text: string): Address {
	const address = parseAddress(text);
	const kind = kindOf(address);
	if (kind !== undefined) return address;
	throw new UsageError(
		`${option} ${text}: only tcp, udp, unix, unix-dgram and unix-seqpacket addresses can be compared`,
	);
}

function checkDifferent(addresses: readonly Address[]): void {
	const kinds = addresses.map(kindOf);
	const again = addresses.find((_, i) => kinds.indexOf(kinds[i]) !== i);
	if (again === undefined) return;
	throw new UsageError(
		`--to ${formatAddress(again)}: there is a ${again.transport} address already; give one of each kind`,
	);
}
