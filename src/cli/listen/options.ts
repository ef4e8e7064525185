/** The command line of `socketry listen`. */
import type { Address, PeerPolicy } from "../../index.ts";
import { readAccess } from "../access-options.ts";
import { type Manner, mannerOf, onlyAddress } from "../address-argument.ts";
import { type Framing, readFraming } from "../exchange/framing.ts";
import type { OutputOptions } from "../exchange/output.ts";
import type { TalkOptions } from "../exchange/talk.ts";
import { UsageError } from "../exit-code.ts";
import type { IncomingOptions } from "../incoming.ts";
import { given, parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { type Control, readControl } from "../serving.ts";
import { readServerTls } from "../tls-options.ts";
import { readTrust } from "../trust-option.ts";
import { OPTIONS } from "./guide.ts";

/** What becomes of connections. */
export type Service = "talk" | "exec" | "echo" | "discard" | "chargen";

/** A server as it was asked for. */
export interface Request extends OutputOptions, TalkOptions, IncomingOptions {
	readonly address: Address;
	/** Undefined until it is open. */
	readonly manner: Manner | undefined;
	readonly service: Service;
	readonly program: readonly string[];
	readonly once: boolean;
	readonly max: number;
	readonly mode: number | undefined;
	readonly allow: PeerPolicy | undefined;
	readonly timeoutMs: number | undefined;
	/** Where processes take over from each other; undefined for nowhere. */
	readonly control: Control | undefined;
	/** Whether the service manager is told. */
	readonly notifies: boolean;
	readonly isQuiet: boolean;
}

const SERVICES = ["exec", "echo", "discard", "chargen"] as const;
const TALK_OPTIONS = ["crlf", "hex", "message", "count", "idle"] as const;
const DAY_MS = 86_400_000;
const COUNT_MAX = 2_147_483_647;
const CONNECTIONS_MAX = 1_000;

/**
 * Reads the arguments.
 *
 * @throws {UsageError} they are wrong, or contradict each other
 * @throws {InvalidAddressError} the address is malformed
 */
export function readRequest(args: readonly string[]): Request {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	const address = onlyAddress(words, "listen");
	const manner = mannerOf(address);
	const service = readService(values, program);
	const { timeout, message, count, idle, max, takeover } = values;
	const trusted = values["proxy-protocol-in"];
	if (values.hex && values.json) throw new UsageError("--hex and --json: give one of them");
	if (values.once && values.keep) throw new UsageError("--once and --keep: give one of them");
	checkService(service, values);
	checkManner(manner, service, values);
	checkStreams(manner, values);
	const access = readAccess(values, [address]);
	if (takeover !== undefined && (service === "talk" || values.once)) {
		throw new UsageError("--takeover is for --exec, --echo, --discard and --chargen that go on");
	}
	return {
		address,
		manner,
		service,
		program: program ?? [],
		once: values.once ?? (service === "talk" && manner !== "datagrams" && !values.keep),
		max: max === undefined ? CONNECTIONS_MAX : parseCount("--max", max, 1, 1_000_000),
		...access,
		timeoutMs: given(timeout, (text) => parseDuration("--timeout", text, 1, DAY_MS)),
		crlf: values.crlf ?? false,
		hex: values.hex ?? false,
		json: values.json ?? false,
		framing: readFramingOr(message),
		count: given(count, (text) => parseCount("--count", text, 1, COUNT_MAX)),
		idleMs: given(idle, (text) => parseDuration("--idle", text, 1, DAY_MS)),
		tlsIn: readServerTls(
			...([values["tls-cert"], values["tls-key"], values["tls-ca"]] as const),
			...(["--tls-cert", "--tls-ca"] as const),
		),
		proxied: given(trusted, readTrust),
		control: given(takeover, readControl),
		notifies: values.notify ?? false,
		isQuiet: values.quiet ?? false,
		// Of `connect` only.
		keep: false,
		sendFds: [],
	};
}

type Values = ReturnType<typeof parseCommandLine<typeof OPTIONS>>["values"];

function readService(values: Values, program: readonly string[] | undefined): Service {
	const chosen: Service[] = SERVICES.filter((name) => values[name] === true);
	if (program !== undefined && !chosen.includes("exec")) chosen.push("exec");
	const [service = "talk", another] = chosen;
	if (another !== undefined)
		throw new UsageError(`--${service} and --${another}: give one of them`);
	if (service === "exec" && program === undefined) {
		throw new UsageError("--exec needs the program after --, as in: --exec -- cat -n");
	}
	return service;
}

// An option that would be passed over is a mistake.
function checkService(service: Service, values: Values): void {
	const unused = TALK_OPTIONS.find((name) => values[name] !== undefined);
	if (service !== "talk" && unused !== undefined) {
		throw new UsageError(`--${unused} is for talking here, and --${service} does not`);
	}
	if (service === "talk" && values.max !== undefined) {
		throw new UsageError(
			"--max is for --exec, --echo, --discard and --chargen: one is talked to at a time",
		);
	}
}

function checkManner(manner: Manner | undefined, service: Service, values: Values): void {
	if (manner === "stream" && (values.message ?? values.count) !== undefined) {
		throw new UsageError(
			"--message and --count are for kinds with messages, and a stream has none",
		);
	}
	if (manner !== undefined && manner !== "datagrams" && values.idle !== undefined) {
		throw new UsageError("--idle is for datagrams: a connection tells its end");
	}
	if (manner !== "datagrams") return;
	if (values.max !== undefined)
		throw new UsageError("--max counts connections, and datagrams have none");
	if (values.once && service !== "talk") {
		throw new UsageError(`--once needs connections, and --${service} hears datagrams without end`);
	}
	if (service === "exec" || service === "chargen") {
		throw new UsageError(`--${service} needs connections, and datagrams have none`);
	}
}

function checkStreams(manner: Manner | undefined, values: Values): void {
	if (manner === undefined || manner === "stream") return;
	const { "tls-cert": cert, "proxy-protocol-in": header } = values;
	if ((cert ?? header) === undefined) return;
	const option = cert === undefined ? "--proxy-protocol-in" : "--tls-cert";
	throw new UsageError(`${option} is for streams: tcp:, unix: and vsock: addresses`);
}

function readFramingOr(message: string | undefined): Framing {
	return message === undefined ? "lines" : readFraming(message);
}
