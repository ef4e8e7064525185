/** The command line of `socketry connect`. */
import { type Address, formatAddress } from "../../index.ts";
import { type ProxyAddress, parseProxy } from "../../proxy/index.ts";
import type { TlsClientOptions } from "../../tls/index.ts";
import { tellsCaller } from "../access-options.ts";
import { type Manner, mannerOf, onlyAddress } from "../address-argument.ts";
import { readDescriptor } from "../descriptor-option.ts";
import { type Framing, readFraming } from "../exchange/framing.ts";
import { UsageError } from "../exit-code.ts";
import { given, parseCommandLine } from "../options.ts";
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
	/** Undefined for none. */
	readonly proxy: ProxyAddress | undefined;
	readonly owner: string | number | undefined;
	/** Descriptors to pass. */
	readonly sendFds: readonly number[];
	readonly passFd: boolean;
	readonly program: readonly string[] | undefined;
	/** Undefined for none. */
	readonly tls: TlsClientOptions | undefined;
}

const TALK_OPTIONS = [
	"crlf",
	"hex",
	"json",
	"keep",
	"message",
	"count",
	"idle",
	"send-fd",
] as const;
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
	checkTalker(values, program);
	checkTogether(address, manner, values);
	const tls = readTls(values, [address]);
	if (tls !== undefined) checkTls(manner, values["send-fd"], passFd);
	return {
		address,
		manner,
		timeoutMs: given(timeout, (text) => parseDuration("--timeout", text, 1, DAY_MS)),
		crlf: values.crlf ?? false,
		hex: values.hex ?? false,
		json: values.json ?? false,
		keep: values.keep ?? false,
		framing: message === undefined ? "lines" : readFraming(message),
		count: given(count, (text) => parseCount("--count", text, 1, COUNT_MAX)),
		idleMs: idle === undefined ? IDLE_MS : parseDuration("--idle", idle, 1, DAY_MS),
		proxy: given(proxy, parseProxy),
		owner: readUser(values["as-owner"]),
		sendFds: (values["send-fd"] ?? []).map((text) => readDescriptor("--send-fd", text)),
		passFd,
		program,
		tls,
	};
}

type Values = ReturnType<typeof parseCommandLine<typeof OPTIONS>>["values"];

function checkTogether(address: Address, manner: Manner | undefined, values: Values): void {
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
	if (values.keep && manner === "datagrams") {
		throw new UsageError("--keep needs connections: datagrams have no end to go on after");
	}
	if (values["as-owner"] !== undefined && (proxy !== undefined || !tellsCaller(address))) {
		throw new UsageError(
			`--as-owner is for unix: and unix-seqpacket: only: who listens at ${formatAddress(address)} is not known`,
		);
	}
	if (values["send-fd"] !== undefined && (proxy !== undefined || !passesDescriptors(address))) {
		throw new UsageError(
			`--send-fd is for Unix sockets only: no descriptor gets to ${formatAddress(address)}`,
		);
	}
	if (proxy !== undefined && manner !== undefined && manner !== "stream") {
		throw new UsageError("--proxy reaches TCP only: ADDRESS must be HOST:PORT");
	}
}

// Of an inherited descriptor that is seen once it is open.
function passesDescriptors({ transport }: Address): boolean {
	return transport.startsWith("unix") || transport === "fd" || transport === "systemd";
}

// An option that would be passed over is a mistake.
function checkTalker(values: Values, program: readonly string[] | undefined): void {
	const passFd = values["pass-fd"] ?? false;
	if (program === undefined && !passFd) return;
	if (program !== undefined && passFd) {
		throw new UsageError("a program and --pass-fd: give one of them");
	}
	const unused = TALK_OPTIONS.find((name) => values[name] !== undefined);
	if (unused === undefined) return;
	const other = passFd ? "--pass-fd" : "a program";
	throw new UsageError(`--${unused} is for talking here, and cannot go with ${other}`);
}

function checkTls(manner: Manner | undefined, sendFds: unknown, passFd: boolean): void {
	if (manner !== undefined && manner !== "stream") {
		throw new UsageError("--tls is for streams: tcp:, unix: and vsock: addresses");
	}
	if (sendFds !== undefined || passFd) {
		throw new UsageError("--tls cannot go with --send-fd or --pass-fd: it carries bytes only");
	}
}

function readUser(text: string | undefined): string | number | undefined {
	return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : text;
}
