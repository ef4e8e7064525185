/** `socketry fault` at work. */
import {
	type FaultControl,
	type FaultEvent,
	type FaultedConnection,
	FaultPlan,
	faultControl,
	faultProxy,
} from "../../fault/index.ts";
import { type Address, formatAddress } from "../../index.ts";
import type { Context } from "../command.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { wrap } from "../table.ts";
import { visibleLine } from "../visible-text.ts";
import { type Request, type Route, readRequest } from "./request.ts";
import { connectionLines, connectionRow } from "./rows.ts";

/** Name of the relay of the command line in the HTTP interface. */
const NAME = "default";
const INDENT = "    ";

/** Runs until Ctrl-C. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const teller = new Teller(request, context);
	const { control, route } = request;
	if (control !== undefined) await serveControl(request, control, teller, context);
	else if (route !== undefined) await disturb(request, route, teller, context);
	return EXIT.done;
}

async function disturb(
	request: Request,
	{ from, to, kind }: Route,
	teller: Teller,
	context: Context,
): Promise<void> {
	const { seed, toxics, access } = request;
	const onFault = request.json ? (event: FaultEvent): void => teller.fault(event) : undefined;
	const plan = planned(() => new FaultPlan({ kind, seed, toxics, onFault }));
	const onEnd = (connection: FaultedConnection): void => teller.connection(connection);
	const proxy = await faultProxy(from, to, plan, { ...access, onEnd });
	teller.start(proxy.address, to, plan);
	await ended(context.signal);
	await proxy.close();
}

async function serveControl(
	request: Request,
	control: Address,
	teller: Teller,
	context: Context,
): Promise<void> {
	const { seed, toxics, route } = request;
	if (route !== undefined) planned(() => new FaultPlan({ kind: route.kind, seed, toxics }));
	const server = await faultControl(control, {
		seed,
		onEnd: (connection) => teller.connection(connection),
		onFault: request.json ? (event) => teller.fault(event) : undefined,
	});
	try {
		await addDefault(server, request, teller);
		await ended(context.signal);
	} finally {
		await server.close();
	}
}

async function addDefault(
	server: FaultControl,
	{ route, toxics, access }: Request,
	teller: Teller,
): Promise<void> {
	if (route === undefined) return teller.control(server.address);
	const [from, to] = [formatAddress(route.from), formatAddress(route.to)];
	const { address, plan } = await server.addProxy(NAME, from, to, toxics, access);
	teller.start(address, route.to, plan, server.address);
}

// What a plan finds wrong was wrong on the command line.
function planned(make: () => FaultPlan): FaultPlan {
	try {
		return make();
	} catch (error) {
		throw new UsageError((error as Error).message);
	}
}

/** Says what happens, to people or to programs. */
class Teller {
	readonly #isJson: boolean;
	readonly #context: Context;

	constructor({ json }: Request, context: Context) {
		this.#isJson = json;
		this.#context = context;
	}

	start(address: Address, server: Address, plan: FaultPlan, controlAddress?: Address): void {
		const { seed, toxics } = plan;
		const [from, to] = [formatAddress(address), formatAddress(server)];
		const control = controlAddress && formatAddress(controlAddress);
		this.#tell("start", { from, to, seed, toxics, control }, () => {
			const line = `from ${from} to ${to} with --seed ${seed}`;
			return control === undefined ? [line] : [line, `control at ${control}, proxy "${NAME}"`];
		});
	}

	control(address: Address): void {
		const control = formatAddress(address);
		this.#tell("start", { control }, () => [`control at ${control}, no proxy yet`]);
	}

	fault(event: FaultEvent & { readonly proxy?: string }): void {
		this.#tell("fault", { ...event }, () => []);
	}

	connection(connection: FaultedConnection & { readonly proxy?: string }): void {
		const [type, fields] = connectionRow(connection);
		this.#tell(type, fields, () => connectionLines(connection));
	}

	#tell(
		type: string,
		fields: Readonly<Record<string, unknown>>,
		lines: () => readonly string[],
	): void {
		const { out, err } = this.#context;
		if (this.#isJson) out.write(jsonLine(type, fields));
		else
			lines().forEach((text, index) => {
				// Who reaches the HTTP interface chooses the names of proxies and faults.
				const line = visibleLine(text);
				const indent = index === 0 ? "" : INDENT;
				err.write(err.isTerminal ? wrap(line, err.columns, indent) : `${indent}${line}\n`);
			});
	}
}

function ended(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}
