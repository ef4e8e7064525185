/** What `socketry connect` does. */
import { connect, datagrams, give, type Stream } from "../../index.ts";
import type { Context } from "../command.ts";
import { runBridged } from "../exchange/bridged-program.ts";
import { Output } from "../exchange/output.ts";
import { runProgram } from "../exchange/run-program.ts";
import { StandardInput } from "../exchange/standard-input.ts";
import { type AnyConnection, type AnyTalk, talk } from "../exchange/talk.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { open } from "../outgoing.ts";
import { TimeLimit } from "../time-limit.ts";
import { checkTls } from "../tls-options.ts";
import { type Request, readRequest } from "./options.ts";

const STANDARD_OUTPUT = 1;
const CLOSE_MS = 5_000;

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	await checkTls(request.tls?.tls);
	const limit = new TimeLimit(request.timeoutMs, context.signal);
	const code = await limit.around(() => connectAndTalk(request, limit, context));
	return code ?? EXIT.done;
}

async function connectAndTalk(
	request: Request,
	limit: TimeLimit,
	context: Context,
): Promise<number> {
	const { address, manner, owner, passFd, program } = request;
	const { signal } = limit;
	const connection: AnyTalk =
		manner === "datagrams"
			? await datagrams(undefined, { connect: address, signal })
			: await open(address, request, { owner, signal });
	if (passFd) return await passOn(connection as AnyConnection);
	if (program === undefined) return await talkHere(connection, request, limit);
	const surroundings = {
		address,
		peer: "peer" in connection ? connection.peer : undefined,
		signal,
		onError: (message: string) => context.err.say(`socketry connect: ${message}`),
	};
	if (!("socket" in connection)) return await runBridged(program, connection, surroundings);
	const code = await runProgram(program, connection.socket, surroundings);
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
