/** The command line of `socketry relay`. */
import { type Address, formatAddress, type PeerPolicy } from "../../index.ts";
import type { TlsConnectOptions, TlsServerOptions } from "../../tls/index.ts";
import { readMode, readPolicy } from "../access-options.ts";
import { type Manner, mannerOf, readAddress } from "../address-argument.ts";
import { UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { readPem, readTls } from "../tls-options.ts";
import { OPTIONS } from "./guide.ts";

/** From where to where. */
export interface Route {
	readonly from: Address;
	readonly to: Address;
	readonly fromManner: Manner;
	readonly toManner: Manner;
}

/** A relay as it was asked for. */
export interface Request {
	readonly routes: readonly Route[];
	readonly max: number;
	readonly idleMs: number | undefined;
	readonly drainMs: number;
	readonly connectMs: number;
	/** Version of the header to send; undefined for none. */
	readonly proxyProtocol: 1 | 2 | undefined;
	readonly passesDescriptors: boolean;
	readonly mode: number | undefined;
	readonly allow: PeerPolicy | undefined;
	readonly once: boolean;
	/** What to listen with, undefined without TLS. */
	readonly tlsIn: TlsServerOptions | undefined;
	/** What to connect with, undefined without TLS. */
	readonly tlsOut: TlsConnectOptions | undefined;
	readonly json: boolean;
	readonly isQuiet: boolean;
}

const DAY_MS = 86_400_000;
const DRAIN_MS = 5_000;
const CONNECT_MS = 10_000;
const CONNECTIONS_MAX = 1_000;
const CONNECTIONS_LIMIT = 1_000_000;

/**
 * Reads the arguments.
 *
 * @throws {UsageError} they are wrong, or contradict each other
 * @throws {InvalidAddressError} an address is malformed
 */
export function readRequest(args: readonly string[]): Request {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	if (program !== undefined) throw new UsageError("a relay runs no program: see socketry listen");
	const { max, idle, drain, mode, allow } = values;
	const routes = readRoutes(words);
	const proxyProtocol = readVersion(values["proxy-protocol"]);
	if (proxyProtocol !== undefined && routes.some(({ toManner }) => toManner !== "stream")) {
		throw new UsageError("--proxy-protocol is for streams: messages have no place for a header");
	}
	const connect = values["connect-timeout"];
	return {
		routes,
		max: max === undefined ? CONNECTIONS_MAX : parseCount("--max", max, 1, CONNECTIONS_LIMIT),
		idleMs: idle === undefined ? undefined : parseDuration("--idle", idle, 1, DAY_MS),
		drainMs: drain === undefined ? DRAIN_MS : parseDuration("--drain", drain, 0, DAY_MS),
		connectMs:
			connect === undefined ? CONNECT_MS : parseDuration("--connect-timeout", connect, 1, DAY_MS),
		proxyProtocol,
		passesDescriptors: !values["no-descriptors"],
		mode: mode === undefined ? undefined : readMode(mode),
		allow: allow === undefined ? undefined : readPolicy(allow),
		once: values.once ?? false,
		...readBothTls(values, routes),
		json: values.json ?? false,
		isQuiet: values.quiet ?? false,
	};
}

type Values = ReturnType<typeof parseCommandLine<typeof OPTIONS>>["values"];

function readBothTls(values: Values, routes: readonly Route[]): Pick<Request, "tlsIn" | "tlsOut"> {
	const tlsOut = readTls({ ...values, tls: values["tls-out"] }, "--tls-out");
	const { "tls-in": certificate, "tls-key": key } = values;
	if (key !== undefined && certificate === undefined) {
		throw new UsageError("--tls-key goes with --tls-in");
	}
	if (certificate === undefined && tlsOut === undefined) return { tlsIn: undefined, tlsOut };
	if (routes.some(({ fromManner }) => fromManner !== "stream")) {
		throw new UsageError("TLS is for streams: tcp:, unix: and vsock: addresses");
	}
	if (certificate === undefined) return { tlsIn: undefined, tlsOut };
	const cert = readPem("--tls-in", certificate);
	return { tlsIn: { cert, key: key === undefined ? cert : readPem("--tls-key", key) }, tlsOut };
}

function readRoutes(words: readonly string[]): Route[] {
	const [first, second, ...rest] = words;
	if (first === undefined) throw new UsageError("FROM and TO are missing: socketry relay 8080 ./x");
	if (words.every((word) => word.includes("="))) {
		return words.map((word) => {
			const at = word.indexOf("=");
			return readRoute(word.slice(0, at), word.slice(at + 1));
		});
	}
	if (second === undefined) throw new UsageError(`TO is missing: where is ${first} to lead?`);
	if (rest.length > 0) {
		throw new UsageError(`"${rest[0]}" is one word too many; several relays are FROM=TO FROM=TO`);
	}
	return [readRoute(first, second)];
}

function readRoute(fromText: string, toText: string): Route {
	const from = readAddress(fromText, "listen");
	const to = readAddress(toText, "connect");
	const toManner = mannerOf(to) ?? mannerOf(from) ?? "stream";
	const fromManner = mannerOf(from) ?? toManner;
	if ((fromManner === "stream") !== (toManner === "stream")) {
		const [stream, messages] = fromManner === "stream" ? [from, to] : [to, from];
		throw new UsageError(
			`${formatAddress(stream)} carries bytes and ${formatAddress(messages)} messages: give two of one sort`,
		);
	}
	return { from, to, fromManner, toManner };
}

function readVersion(text: string | undefined): 1 | 2 | undefined {
	if (text === undefined) return undefined;
	if (text === "v1") return 1;
	if (text === "v2") return 2;
	throw new UsageError(`--proxy-protocol must be v1 or v2, not "${text}"`);
}
