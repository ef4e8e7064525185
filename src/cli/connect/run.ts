/** What `socketry connect` does. */
import {
	type ConnectOptions,
	connect,
	datagrams,
	give,
	type PacketStream,
	type Stream,
} from "../../index.ts";
import type { Context } from "../command.ts";
import { Output } from "../exchange/output.ts";
import { runProgram } from "../exchange/run-program.ts";
import { StandardInput } from "../exchange/standard-input.ts";
import { type AnyConnection, type AnyTalk, talk } from "../exchange/talk.ts";
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
	if (request.tls !== undefined) {
		const { tlsConnect } = await import("../../tls/index.ts");
		const { signal } = limit;
		const { address, owner } = request;
		const stream = await tlsConnect(address as Parameters<typeof tlsConnect>[0], {
			owner,
			signal,
			...request.tls,
		});
		return await talkHere(stream, request, limit);
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
	connection: AnyConnection,
	request: Request,
	limit: TimeLimit,
	context: Context,
): Promise<number> {
	const { program, passFd, address } = request;
	if (passFd) return await passOn(connection);
	if (program === undefined) return await talkHere(connection, request, limit);
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
async function passOn(connection: AnyConnection): Promise<number> {
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

async function talkHere(connection: AnyTalk, request: Request, limit: TimeLimit): Promise<number> {
	const input = new StandardInput();
	const output = new Output(request);
	try {
		await talk(connection, input, output, request, limit);
	} finally {
		input.stop();
		await output.finish();
	}
	return EXIT.done;
}
