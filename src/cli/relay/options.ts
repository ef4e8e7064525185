/** The command line of `socketry relay`. */
import { type Address, formatAddress, type PeerPolicy } from "../../index.ts";
import { type ProxyAddress, parseProxy } from "../../proxy/index.ts";
import type { TlsClientOptions, TlsServerOptions } from "../../tls/index.ts";
import { readAccess } from "../access-options.ts";
import { type Manner, mannerOf, readAddress } from "../address-argument.ts";
import { UsageError } from "../exit-code.ts";
import { given, parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { type Control, readControl } from "../serving.ts";
import { readServerTls, readTls } from "../tls-options.ts";
import { readTrust, type Trust } from "../trust-option.ts";
import { OPTIONS } from "./guide.ts";

/** From where to where. */
export interface Route {
	readonly from: Address;
	readonly to: Address;
	readonly fromManner: Manner;
	readonly toManner: Manner;
}

/** By which processes that follow each other know a route. */
export function routeName({ from, to }: Route): string {
	return `${formatAddress(from)}=${formatAddress(to)}`;
}

/** A relay as it was asked for. */
export interface Request {
	readonly routes: readonly Route[];
	readonly max: number;
	readonly idleMs: number | undefined;
	/** Undefined for the default, which depends on who ends it. */
	readonly drainMs: number | undefined;
	readonly connectMs: number;
	/** Version of the header to send; undefined for none. */
	readonly proxyProtocol: 1 | 2 | undefined;
	/** Whose connections begin with a header; undefined for nobody's. */
	readonly proxied: Trust | undefined;
	/** By which TO is reached; undefined for directly. */
	readonly proxy: ProxyAddress | undefined;
	/** Where processes take over from each other; undefined for nowhere. */
	readonly control: Control | undefined;
	/** Whether the service manager is told. */
	readonly notifies: boolean;
	readonly passesDescriptors: boolean;
	readonly mode: number | undefined;
	readonly allow: PeerPolicy | undefined;
	readonly once: boolean;
	/** What to listen with, undefined without TLS. */
	readonly tlsIn: TlsServerOptions | undefined;
	/** What to connect with, undefined without TLS. */
	readonly tlsOut: TlsClientOptions | undefined;
	readonly json: boolean;
	readonly isQuiet: boolean;
}

const DAY_MS = 86_400_000;
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
	const { max, idle, drain, proxy, takeover, once = false } = values;
	const routes = readRoutes(words);
	const proxyProtocol = readVersion(values["proxy-protocol"]);
	const trusted = values["proxy-protocol-in"];
	checkStreams(values, routes);
	const access = readAccess(
		values,
		routes.map(({ from }) => from),
	);
	if (once && takeover !== undefined) {
		throw new UsageError("--once and --takeover: give one of them");
	}
	const connect = values["connect-timeout"];
	return {
		routes,
		max: max === undefined ? CONNECTIONS_MAX : parseCount("--max", max, 1, CONNECTIONS_LIMIT),
		idleMs: given(idle, (text) => parseDuration("--idle", text, 1, DAY_MS)),
		drainMs: given(drain, (text) => parseDuration("--drain", text, 0, DAY_MS)),
		connectMs:
			connect === undefined ? CONNECT_MS : parseDuration("--connect-timeout", connect, 1, DAY_MS),
		proxyProtocol,
		proxied: given(trusted, readTrust),
		proxy: given(proxy, parseProxy),
		control: given(takeover, readControl),
		notifies: values.notify ?? false,
		passesDescriptors: !values["no-descriptors"],
		...access,
		once,
		tlsIn: readServerTls(
			...([values["tls-in"], values["tls-key"], values["tls-client-ca"]] as const),
			...(["--tls-in", "--tls-client-ca"] as const),
		),
		tlsOut: readTls(
			{ tls: values["tls-out"], "tls-name": values["tls-name"], "tls-ca": values["tls-ca"] },
			routes.map(({ to }) => to),
			"--tls-out",
		),
		json: values.json ?? false,
		isQuiet: values.quiet ?? false,
	};
}

type Values = ReturnType<typeof parseCommandLine<typeof OPTIONS>>["values"];

// What bytes can have and messages cannot.
function checkStreams(values: Values, routes: readonly Route[]): void {
	const areStreams = routes.every(({ fromManner }) => fromManner === "stream");
	const header = values["proxy-protocol"] ?? values["proxy-protocol-in"];
	if (header !== undefined && !areStreams) {
		throw new UsageError("headers of proxies are for streams: messages have no place for them");
	}
	if ((values["tls-in"] !== undefined || values["tls-out"]) && !areStreams) {
		throw new UsageError("TLS is for streams: tcp:, unix: and vsock: addresses");
	}
	if (values.proxy !== undefined && routes.some(({ to }) => to.transport !== "tcp")) {
		throw new UsageError("--proxy reaches TCP only: TO must be HOST:PORT");
	}
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
