/** The command line of `socketry listen`. */
import type { Address, PeerPolicy } from "../../index.ts";
import { readMode, readPolicy } from "../access-options.ts";
import { type Manner, mannerOf, onlyAddress } from "../address-argument.ts";
import { type Framing, readFraming } from "../exchange/framing.ts";
import type { OutputOptions } from "../exchange/output.ts";
import type { TalkOptions } from "../exchange/talk.ts";
import { UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { OPTIONS } from "./guide.ts";

/** What becomes of connections. */
export type Service = "talk" | "exec" | "echo" | "discard" | "chargen";

/** A server as it was asked for. */
export interface Request extends OutputOptions, TalkOptions {
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
	readonly isQuiet: boolean;
}

const SERVICES = ["exec", "echo", "discard", "chargen"] as const;
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
	const { timeout, message, count, idle, max, mode, allow } = values;
	if (values.hex && values.json) throw new UsageError("--hex and --json: give one of them");
	if (values.once && values.keep) throw new UsageError("--once and --keep: give one of them");
	checkManner(manner, service, values);
	return {
		address,
		manner,
		service,
		program: program ?? [],
		once: values.once ?? (service === "talk" && manner !== "datagrams" && !values.keep),
		max: max === undefined ? CONNECTIONS_MAX : parseCount("--max", max, 1, 1_000_000),
		mode: mode === undefined ? undefined : readMode(mode),
		allow: allow === undefined ? undefined : readPolicy(allow),
		timeoutMs: timeout === undefined ? undefined : parseDuration("--timeout", timeout, 1, DAY_MS),
		crlf: values.crlf ?? false,
		hex: values.hex ?? false,
		json: values.json ?? false,
		framing: readFramingOr(message),
		count: count === undefined ? undefined : parseCount("--count", count, 1, COUNT_MAX),
		idleMs: idle === undefined ? undefined : parseDuration("--idle", idle, 1, DAY_MS),
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

function checkManner(manner: Manner | undefined, service: Service, values: Values): void {
	if (manner === "stream" && (values.message ?? values.count) !== undefined) {
		throw new UsageError(
			"--message and --count are for kinds with messages, and a stream has none",
		);
	}
	if (manner !== "datagrams") return;
	if (service === "exec" || service === "chargen") {
		throw new UsageError(`--${service} needs connections, and datagrams have none`);
	}
	if (values.allow !== undefined) {
		throw new UsageError("--allow needs connections: datagrams are let in by --mode");
	}
}

function readFramingOr(message: string | undefined): Framing {
	return message === undefined ? "lines" : readFraming(message);
}
