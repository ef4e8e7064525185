/** What `socketry connect` does. */
import {
	type ConnectOptions,
	connect,
	type Datagrams,
	datagrams,
	give,
	type PacketStream,
	type Stream,
} from "../../index.ts";
import type { Context } from "../command.ts";
import { type Channel, datagramChannel, packetChannel } from "../exchange/channel.ts";
import { exchangeBytes } from "../exchange/exchange-bytes.ts";
import { exchangeMessages } from "../exchange/exchange-messages.ts";
import { Output } from "../exchange/output.ts";
import { runProgram } from "../exchange/run-program.ts";
import { StandardInput } from "../exchange/standard-input.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { TimeLimit } from "../time-limit.ts";
import { type Request, readRequest } from "./options.ts";

const STANDARD_OUTPUT = 1;
const CLOSE_MS = 5_000;

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const limit = new TimeLimit(request.timeoutMs, context.signal);
	const code = await limit.around(() => connectAndTalk(request, limit, context));
	return code ?? EXIT.done;
}

async function connectAndTalk(
	request: Request,
	limit: TimeLimit,
	context: Context,
): Promise<number> {
	if (request.manner === "datagrams") {
		const socket = await datagrams(undefined, { connect: request.address, signal: limit.signal });
		return await talkOver(socket, request, limit, context);
	}
	return await talkOver(await open(request, limit.signal), request, limit, context);
}

async function open(request: Request, signal: AbortSignal): Promise<Stream | PacketStream> {
	const { address, owner, proxy } = request;
	const options: ConnectOptions = { owner, signal };
	if (proxy === undefined) return await connect(address, options);
	const { connectThrough } = await import("../../proxy/index.ts");
	return await connectThrough(proxy, address, options);
}

async function talkOver(
	connection: Stream | PacketStream | Datagrams,
	request: Request,
	limit: TimeLimit,
	context: Context,
): Promise<number> {
	const { program, passFd, address } = request;
	if (passFd) return await passOn(connection);
	if (program === undefined) return await talk(connection, request, limit);
	const code = await runProgram(program, connection.socket.fd, {
		address,
		peer: connection.peer,
		signal: limit.signal,
		onError: (message) => context.err.write(`socketry connect: ${message}\n`),
	});
	await connection.close({ timeoutMs: CLOSE_MS });
	return code;
}

// To whoever started us, with one byte, as ssh_config(5) says of ProxyUseFdpass.
async function passOn(connection: Stream | PacketStream | Datagrams): Promise<number> {
	const socket = connection.detach();
	const taker = await takerOf(STANDARD_OUTPUT);
	await taker.write("\0", { descriptors: [give(socket)] });
	await taker.close();
	return EXIT.done;
}

async function takerOf(fd: number): Promise<Stream> {
	try {
		const taker = await connect(`fd:${fd}`);
		if ("write" in taker && taker.address.transport === "unix") return taker;
		taker.abort();
	} catch {
		// No socket at all.
	}
	throw new UsageError("--pass-fd: standard output must be a Unix stream socket");
}

async function talk(
	connection: Stream | PacketStream | Datagrams,
	request: Request,
	limit: TimeLimit,
): Promise<number> {
	const input = new StandardInput();
	const { hex, json, framing } = request;
	const output = new Output({ hex, json, framing });
	// Time is up: at once. Ctrl-C: what is queued goes first.
	const end = (): void => {
		input.stop();
		if (limit.isOver) connection.abort();
		else connection.close({ timeoutMs: CLOSE_MS }).catch(() => connection.abort());
	};
	limit.signal.addEventListener("abort", end, { once: true });
	try {
		await exchange(connection, request, input, output);
	} finally {
		limit.signal.removeEventListener("abort", end);
		input.stop();
		await output.finish();
	}
	return EXIT.done;
}

async function exchange(
	connection: Stream | PacketStream | Datagrams,
	request: Request,
	input: StandardInput,
	output: Output,
): Promise<void> {
	const { crlf, keep, sendFds, framing, count, idleMs } = request;
	if ("write" in connection) {
		return await exchangeBytes(connection, input, output, { crlf, keep, passed: sendFds });
	}
	await exchangeMessages(channelOf(connection), input, output, {
		framing,
		crlf,
		count,
		idleMs,
		sendFirst: sendFirst(connection, sendFds),
	});
}

function channelOf(connection: PacketStream | Datagrams): Channel {
	return "receiveMessage" in connection
		? packetChannel(connection, false)
		: datagramChannel(connection);
}

function sendFirst(
	connection: PacketStream | Datagrams,
	descriptors: readonly number[],
): ((data: Uint8Array) => Promise<void>) | undefined {
	if (descriptors.length === 0) return undefined;
	const options = { descriptors: [...descriptors] };
	return "receiveMessage" in connection
		? (data) => connection.send(data, options)
		: (data) => connection.send(data, undefined, options);
}
