/** What `socketry ping` does. */
import { setTimeout as pause } from "node:timers/promises";
import { type Address, connect, datagrams, formatAddress, listen } from "../../index.ts";
import { mannerOf, onlyAddress } from "../address-argument.ts";
import type { Context } from "../command.ts";
import { median } from "../compare/statistics.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseCount, parseDuration, parseSize } from "../quantity.ts";
import { type Echo, echoOver } from "./echo.ts";
import { OPTIONS } from "./guide.ts";

const HOUR_MS = 3_600_000;
const COUNT_MAX = 1_000_000;
const SIZE_MAX = 65_507;

interface Request {
	readonly address: Address;
	readonly count: number;
	readonly intervalMs: number;
	readonly timeoutMs: number;
	readonly size: number;
	readonly echo: boolean;
	readonly json: boolean;
}

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const { address, timeoutMs, json } = request;
	const { signal } = context;
	await warmUp(request, signal);
	const echo = request.echo ? await openEcho(request, signal) : undefined;
	const attempt = echo?.once ?? (() => connectOnce(address, timeoutMs, signal));
	const times: number[] = [];
	try {
		await measure(attempt, times, request, context);
	} catch (error) {
		if (!signal.aborted) throw error;
	} finally {
		echo?.close();
	}
	const answered = times.filter((ms) => !Number.isNaN(ms));
	if (!json) context.out.write(summary(formatAddress(address), times.length, answered));
	return answered.length === times.length ? EXIT.done : EXIT.failed;
}

function readRequest(args: readonly string[]): Request {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	const { count = "5", interval = "1", timeout = "5", size, echo = false, json = false } = values;
	if (program !== undefined) throw new UsageError("ping runs no program");
	const address = onlyAddress(words, "connect");
	if (mannerOf(address) === "datagrams" && !echo) {
		throw new UsageError("datagrams have no connections to make: add --echo if it sends back");
	}
	if (size !== undefined && !echo) throw new UsageError("--size goes with --echo");
	return {
		address,
		count: parseCount("--count", count, 1, COUNT_MAX),
		intervalMs: parseDuration("--interval", interval, 0, HOUR_MS),
		timeoutMs: parseDuration("--timeout", timeout, 1, HOUR_MS),
		size: parseSize("--size", size ?? "64", 1, SIZE_MAX),
		echo,
		json,
	};
}

async function measure(
	attempt: () => Promise<void>,
	times: number[],
	{ count, intervalMs, json }: Request,
	context: Context,
): Promise<void> {
	const { signal } = context;
	for (let number = 1; number <= count; number++) {
		if (number > 1) await pause(intervalMs, undefined, { signal });
		times.push(await timed(attempt, number, json, context));
	}
}

async function timed(
	attempt: () => Promise<void>,
	number: number,
	json: boolean,
	{ out, err, signal }: Context,
): Promise<number> {
	const start = performance.now();
	try {
		await attempt();
	} catch (error) {
		if (signal.aborted) throw error;
		err.say(`${number}: ${(error as Error).message}`);
		return Number.NaN;
	}
	const ms = performance.now() - start;
	out.write(
		json ? jsonLine("pong", { number, ms: Number(ms.toFixed(3)) }) : `${number}: ${text(ms)}\n`,
	);
	return ms;
}

// The first connection of a process costs milliseconds that have nothing to do with the server: it is made to ourselves.
async function warmUp({ timeoutMs }: Request, signal: AbortSignal): Promise<void> {
	try {
		await using own = await listen("tcp://127.0.0.1:0");
		await connectOnce(own.address, timeoutMs, signal);
	} catch {
		// There is no loopback: the first figure is what it is.
	}
}

async function connectOnce(
	address: Address,
	timeoutMs: number,
	signal: AbortSignal,
): Promise<void> {
	const connection = await connect(address, { timeoutMs, signal });
	connection.close().catch(() => {});
}

async function openEcho({ address, size, timeoutMs }: Request, signal: AbortSignal): Promise<Echo> {
	const connection =
		mannerOf(address) === "datagrams"
			? await datagrams(undefined, { connect: address, signal })
			: await connect(address, { timeoutMs, signal });
	return echoOver(connection, size, timeoutMs, signal);
}

function summary(name: string, sent: number, answered: readonly number[]): string {
	const counts = `${name}: ${sent} sent, ${answered.length} answered`;
	if (answered.length === 0) return `${counts}\n`;
	const sorted = [...answered].sort((a, b) => a - b);
	const [least, most] = [sorted[0] as number, sorted.at(-1) as number];
	return `${counts}; least ${text(least)}, median ${text(median(sorted))}, most ${text(most)}\n`;
}

function text(ms: number): string {
	return `${ms.toFixed(3)} ms`;
}
