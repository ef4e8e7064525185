/** The command line of `socketry fault`. */
import type { FaultAccess, ToxicRequest, ToxicType } from "../../fault/index.ts";
import type { Address } from "../../index.ts";
import { readAccess } from "../access-options.ts";
import { type Manner, mannerOf, readAddress } from "../address-argument.ts";
import { UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { OPTIONS } from "./guide.ts";

/** From where to where. */
export interface Route {
	readonly from: Address;
	readonly to: Address;
	readonly kind: Manner;
}

/** What was asked for. */
export interface Request {
	/** From where to where; undefined when all relays are made through the HTTP interface. */
	readonly route: Route | undefined;
	readonly toxics: readonly ToxicRequest[];
	readonly seed: number | undefined;
	/** Who may use FROM. */
	readonly access: FaultAccess;
	/** Where the HTTP interface listens; undefined for none. */
	readonly control: Address | undefined;
	readonly json: boolean;
}

type Values = ReturnType<typeof parseCommandLine<typeof OPTIONS>>["values"];

const DAY_MS = 86_400_000;
const OF_MESSAGES = ["loss", "duplicate", "reorder", "corrupt"] as const;
const TOXIC = /^([a-z_]+)(?:@(upstream|downstream))?(?::(.+))?$/;

/**
 * Reads the arguments.
 *
 * @throws {UsageError} they are wrong, or contradict each other
 * @throws {InvalidAddressError} an address is malformed
 */
export function readRequest(args: readonly string[]): Request {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	if (program) throw new UsageError("there is no program to run: two addresses, FROM and TO");
	const { seed, control, json } = values;
	const toxics = [...shorthands(values), ...(values.toxic ?? []).map(readToxic)];
	const route = readRoute(words, control !== undefined);
	checkKind(values, route?.kind);
	if (route === undefined && toxics.length > 0) {
		throw new UsageError("faults need FROM and TO: those of other proxies come with a request");
	}
	return {
		route,
		toxics,
		access: readAccess(values, route === undefined ? [] : [route.from]),
		seed: seed === undefined ? undefined : parseCount("--seed", seed, 0, 2 ** 32 - 1),
		control: control === undefined ? undefined : readAddress(control, "listen"),
		json: json ?? false,
	};
}

function readRoute(words: readonly string[], hasControl: boolean): Route | undefined {
	const [first, second, third] = words;
	if (first === undefined && hasControl) return undefined;
	if (first === undefined || second === undefined || third !== undefined) {
		throw new UsageError("two addresses are needed, FROM and TO, such as 8080 localhost:80");
	}
	const from = readAddress(first, "listen");
	const to = readAddress(second, "connect");
	const [near, far] = [mannerOf(from), mannerOf(to)];
	if (near === undefined || far === undefined || near === far) {
		return { from, to, kind: near ?? far ?? "stream" };
	}
	const kinds = { stream: "a stream", packets: "messages of a connection", datagrams: "datagrams" };
	throw new UsageError(
		`FROM and TO must be of one kind: ${first} is ${kinds[near]}, and ${second} ${kinds[far]}`,
	);
}

function shorthands(values: Values): ToxicRequest[] {
	const { latency, jitter, bandwidth } = values;
	const found: { type: ToxicType; attributes: Record<string, number> }[] = [];
	if (latency !== undefined || jitter !== undefined) {
		const attributes = {
			latency: parseDuration("--latency", latency ?? "0", 0, DAY_MS),
			jitter: Math.round(parseDuration("--jitter", jitter ?? "0", 0, DAY_MS)),
		};
		found.push({ type: "latency", attributes });
	}
	if (bandwidth !== undefined) {
		const rate = parseCount("--bandwidth, times 1000 bytes a second,", bandwidth, 1, 1_000_000_000);
		found.push({ type: "bandwidth", attributes: { rate } });
	}
	for (const type of OF_MESSAGES) {
		const text = values[type];
		if (text === undefined) continue;
		found.push({ type, attributes: { probability: readShare(`--${type}`, text) } });
	}
	return found.flatMap((each) => [
		{ ...each, stream: "upstream" as const },
		{ ...each, stream: "downstream" as const },
	]);
}

function readToxic(text: string): ToxicRequest {
	const [, type, stream = "downstream", list] = TOXIC.exec(text) ?? [];
	if (type === undefined) {
		throw new UsageError(`--toxic must look like latency@upstream:latency=100, not "${text}"`);
	}
	const pairs = (list?.split(",") ?? []).map((pair) => {
		const [name = "", value] = pair.split("=");
		if (value === undefined) throw new UsageError(`--toxic: "${pair}" must look like NAME=VALUE`);
		return [name, readNumber(`--toxic ${name}`, value)] as const;
	});
	return {
		type: type as ToxicType,
		stream: stream as "upstream" | "downstream",
		attributes: Object.fromEntries(pairs),
	};
}

function checkKind(values: Values, kind: Manner | undefined): void {
	const type = OF_MESSAGES.find((each) => values[each] !== undefined);
	if (kind !== "stream" || type === undefined) return;
	throw new UsageError(
		`--${type} is for messages and datagrams (udp://, unix-seqpacket:); a stream has --latency, --bandwidth and others by --toxic`,
	);
}

function readShare(option: string, text: string): number {
	const share = /^\d(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
	if (share <= 1) return share;
	throw new UsageError(`${option} must be a share from 0 to 1, such as 0.1, not "${text}"`);
}

function readNumber(option: string, text: string): number {
	const number = /^\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
	if (Number.isNaN(number)) throw new UsageError(`${option} must be a number, not "${text}"`);
	return number;
}
