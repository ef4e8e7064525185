/** The command line of `socketry connect`. */
import type { Address } from "../../index.ts";
import type { TlsConnectOptions } from "../../tls/index.ts";
import { type Manner, mannerOf, onlyAddress } from "../address-argument.ts";
import { type Framing, readFraming } from "../exchange/framing.ts";
import { UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { readTls } from "../tls-options.ts";
import { OPTIONS } from "./guide.ts";

/** A connection as it was asked for. */
export interface Request {
	readonly address: Address;
	/** Undefined until it is open. */
	readonly manner: Manner | undefined;
	readonly timeoutMs: number | undefined;
	readonly crlf: boolean;
	readonly hex: boolean;
	readonly json: boolean;
	readonly keep: boolean;
	readonly framing: Framing;
	readonly count: number | undefined;
	readonly idleMs: number;
	readonly proxy: string | undefined;
	readonly owner: string | number | undefined;
	/** Descriptors to pass. */
	readonly sendFds: readonly number[];
	readonly passFd: boolean;
	readonly program: readonly string[] | undefined;
	/** Undefined for none. */
	readonly tls: TlsConnectOptions | undefined;
}

const DAY_MS = 86_400_000;
const IDLE_MS = 2_000;
const COUNT_MAX = 2_147_483_647;

/**
 * Reads the arguments.
 *
 * @throws {UsageError} they are wrong, or contradict each other
 * @throws {InvalidAddressError} the address is malformed
 */
export function readRequest(args: readonly string[]): Request {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	const address = onlyAddress(words, "connect");
	const manner = mannerOf(address);
	const { timeout, message, count, idle, proxy } = values;
	const passFd = values["pass-fd"] ?? false;
	checkTogether(manner, values, program);
	const tls = readTls(values);
	if (tls !== undefined) checkTls(manner, program ?? proxy ?? values["send-fd"], passFd);
	return {
		address,
		manner,
		timeoutMs: timeout === undefined ? undefined : parseDuration("--timeout", timeout, 1, DAY_MS),
		crlf: values.crlf ?? false,
		hex: values.hex ?? false,
		json: values.json ?? false,
		keep: values.keep ?? false,
		framing: message === undefined ? "lines" : readFraming(message),
		count: count === undefined ? undefined : parseCount("--count", count, 1, COUNT_MAX),
		idleMs: idle === undefined ? IDLE_MS : parseDuration("--idle", idle, 1, DAY_MS),
		proxy,
		owner: readUser(values["as-owner"]),
		sendFds: (values["send-fd"] ?? []).map((text) => parseCount("--send-fd", text, 0, COUNT_MAX)),
		passFd,
		program,
		tls,
	};
}

type Values = ReturnType<typeof parseCommandLine<typeof OPTIONS>>["values"];

function checkTogether(
	manner: Manner | undefined,
	values: Values,
	program: readonly string[] | undefined,
): void {
	const { message, count, idle, proxy, hex, json } = values;
	if (manner === "stream" && (message ?? count) !== undefined) {
		throw new UsageError(
			"--message and --count are for kinds with messages, and a stream has none",
		);
	}
	if (manner !== undefined && manner !== "datagrams" && idle !== undefined) {
		throw new UsageError("--idle is for datagrams: a connection tells its end");
	}
	if (hex && json) throw new UsageError("--hex and --json: give one of them");
	if (program !== undefined && (proxy !== undefined || values["pass-fd"])) {
		throw new UsageError("a program cannot be given together with --proxy or --pass-fd");
	}
}

function checkTls(manner: Manner | undefined, other: unknown, passFd: boolean): void {
	if (manner !== undefined && manner !== "stream") {
		throw new UsageError("--tls is for streams: tcp:, unix: and vsock: addresses");
	}
	if (other !== undefined || passFd) {
		throw new UsageError("--tls cannot go with a program, --proxy, --send-fd or --pass-fd");
	}
}

function readUser(text: string | undefined): string | number | undefined {
	return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : text;
}
