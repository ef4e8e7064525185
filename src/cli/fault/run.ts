/** `socketry fault` at work. */
import {
	type FaultDatagrams,
	type FaultedConnection,
	type FaultedWay,
	FaultPlan,
	faultControl,
	faultDatagrams,
	faultProxy,
} from "../../fault/index.ts";
import { type Address, datagrams, formatAddress } from "../../index.ts";
import type { Context } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { type Request, readRequest } from "./request.ts";

/** Runs until Ctrl-C. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const plan = planOf(request);
	if (request.kind === "datagrams") await disturbDatagrams(request, plan, context);
	else if (request.control) await serveControl(request, request.control, plan, context);
	else await disturbStreams(request, plan, context);
	return EXIT.done;
}

function planOf({ kind, seed, toxics }: Request): FaultPlan {
	try {
		return new FaultPlan({ kind, seed, toxics });
	} catch (error) {
		throw new UsageError((error as Error).message);
	}
}

function connectionTeller(
	request: Request,
	context: Context,
): (connection: FaultedConnection) => void {
	return (connection) => {
		if (request.json) tell(context, connectionRow(connection));
		else context.err.write(`${connectionLine(connection)}\n`);
	};
}

async function disturbStreams(request: Request, plan: FaultPlan, context: Context): Promise<void> {
	const onEnd = connectionTeller(request, context);
	const proxy = await faultProxy(request.from, request.to, plan, { onEnd });
	tellStart(request, plan, context, proxy.address);
	await ended(context.signal);
	await proxy.close();
}

async function serveControl(
	request: Request,
	control: Address,
	plan: FaultPlan,
	context: Context,
): Promise<void> {
	const onEnd = connectionTeller(request, context);
	const { seed, toxics } = plan;
	const server = await faultControl(control, { seed, onEnd });
	try {
		const [from, to] = [formatAddress(request.from), formatAddress(request.to)];
		const { address } = await server.addProxy("default", from, to, toxics);
		tellStart(request, plan, context, address, server.address);
		await ended(context.signal);
	} finally {
		await server.close();
	}
}

async function disturbDatagrams(
	request: Request,
	plan: FaultPlan,
	context: Context,
): Promise<void> {
	const socket = await datagrams(request.from);
	const { address } = socket;
	const relay = faultDatagrams(socket, request.to, plan);
	tellStart(request, plan, context, address);
	await ended(context.signal);
	await relay.close();
	const { upstream, downstream } = relay;
	if (request.json) tell(context, { type: "end", v: 1, upstream, downstream });
	else
		context.err.write(`${datagramLine(relay, "upstream")}\n${datagramLine(relay, "downstream")}\n`);
}

function tellStart(
	request: Request,
	{ seed, toxics }: FaultPlan,
	context: Context,
	address: Address,
	controlAddress?: Address,
): void {
	const from = formatAddress(address);
	const to = formatAddress(request.to);
	const control = controlAddress && formatAddress(controlAddress);
	if (request.json) {
		tell(context, { type: "start", v: 1, from, to, seed, toxics, control });
		return;
	}
	context.err.write(`from ${from} to ${to} with --seed ${seed}\n`);
	if (control !== undefined) context.err.write(`control at ${control}, proxy "default"\n`);
}

function tell({ out }: Context, row: object): void {
	out.write(`${JSON.stringify(row)}\n`);
}

function connectionRow({ number, result, error }: FaultedConnection): object {
	if (result === undefined)
		return { type: "unreachable", v: 1, connection: number, error: error?.message };
	const way = ({ readBytes, passedBytes, error: failure }: FaultedWay): object => ({
		readBytes,
		passedBytes,
		error: failure?.message,
	});
	return {
		type: "connection",
		v: 1,
		connection: number,
		upstream: way(result.upstream),
		downstream: way(result.downstream),
		fault: result.fault,
	};
}

function connectionLine({ number, result, error }: FaultedConnection): string {
	if (result === undefined) return `connection ${number}: ${error?.message}`;
	const way = ({ readBytes, passedBytes }: FaultedWay): string =>
		readBytes === passedBytes ? `${readBytes} bytes` : `${passedBytes} of ${readBytes} bytes`;
	const { upstream, downstream, fault } = result;
	const failure = upstream.error ?? downstream.error;
	const end =
		fault === undefined ? (failure?.message ?? "ended") : `${fault.kind} (${fault.direction})`;
	return `connection ${number}: ${way(upstream)} up, ${way(downstream)} down, ${end}`;
}

function datagramLine(relay: FaultDatagrams, direction: "upstream" | "downstream"): string {
	const counts = Object.entries(relay[direction]).map(([name, count]) => `${name} ${count}`);
	return `${direction}: ${counts.join(", ")}`;
}

function ended(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}
