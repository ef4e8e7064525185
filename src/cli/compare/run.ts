/** `socketry compare`: from arguments to a report. */
import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Address } from "../../index.ts";
import type { Context } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { Progress } from "../progress.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { KIND_NAMES, KINDS, type Kind } from "./kinds.ts";
import { type Request, readRequest } from "./options.ts";
import { makePlan } from "./plan.ts";
import { makeReport, type Report } from "./report.ts";
import { measureRounds } from "./rounds.ts";
import { ServerProcess } from "./server-process.ts";
import { kindOf, socketTarget, type Target } from "./target.ts";

/**
 * Runs `socketry compare`.
 *
 * @throws {UsageError} the arguments make no sense
 * @throws {PeerError} no comparison server is where one was said to be
 * @throws {SyscallError} ECONNREFUSED, EADDRINUSE and others
 */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	if (request.internalServe !== undefined) {
		const { serveForParent } = await import("./internal-serve.ts");
		await serveForParent(request.internalServe, (text) => context.out.write(text));
		return EXIT.done;
	}
	if (request.serve.length > 0) {
		const { serveOthers } = await import("./serve-others.ts");
		await serveOthers(request.serve, request.json, context);
		return EXIT.done;
	}
	if (request.html !== undefined) checkWritable(request.html);
	const environment = readEnvironment();
	const report =
		request.to.length > 0
			? await compareRemote(request, environment, context)
			: await compareLocal(request, environment, context);
	await show(report, request, context);
	return EXIT.done;
}

// Better now than after all the measuring.
function checkWritable(path: string): void {
	try {
		accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
	} catch (error) {
		throw new UsageError(`--html ${path} cannot be written: ${(error as Error).message}`);
	}
}

async function compareLocal(
	request: Request,
	environment: Environment,
	context: Context,
): Promise<Report> {
	const server = await ServerProcess.start(request.kinds);
	try {
		const unavailable = new Map(
			Object.entries(server.announcement.unavailable) as [Kind, string][],
		);
		return await measure(server.targets, unavailable, request, environment, context);
	} finally {
		await server.stop();
	}
}

function inOrder(addresses: readonly Address[]): Address[] {
	const rank = (address: Address): number => KIND_NAMES.indexOf(kindOf(address) as Kind);
	return [...addresses].sort((a, b) => rank(a) - rank(b));
}

function compareRemote(
	request: Request,
	environment: Environment,
	context: Context,
): Promise<Report> {
	const targets = inOrder(request.to).map((address) =>
		socketTarget(kindOf(address) as Kind, address, true),
	);
	return measure(targets, new Map(), request, environment, context);
}

async function measure(
	targets: readonly Target[],
	unavailable: ReadonlyMap<Kind, string>,
	{ durationMs, size, isQuick, to }: Request,
	environment: Environment,
	{ err, signal }: Context,
): Promise<Report> {
	if (targets.length === 0) throw new Error([...unavailable.values()].join("; "));
	const plan = makePlan(durationMs, targets.length, size, isQuick);
	const progress = new Progress(err);
	const start = performance.now();
	if (!err.isTerminal) {
		const names = targets.map(({ kind }) => KINDS[kind].label).join(", ");
		err.write(`comparing ${names}: about ${Math.ceil(durationMs / 1000)} s\n`);
	}
	try {
		const findings = await measureRounds(targets, plan, signal, (fraction, round, { kind }) => {
			const leftMs = Math.max(0, durationMs - (performance.now() - start));
			const stage = round === 0 ? "warm-up" : `round ${round} of ${plan.rounds}`;
			const left = `${Math.ceil(leftMs / 1000)} s left`;
			progress.show(fraction, `${left}  ${stage}  ${KINDS[kind].label}`);
		});
		return makeReport(findings, unavailable, { environment, isRemote: to.length > 0, plan });
	} finally {
		progress.clear();
		if (signal.aborted) err.write("stopped\n");
	}
}

async function show(report: Report, request: Request, { out, err }: Context): Promise<void> {
	if (request.html !== undefined) {
		const { renderHtml } = await import("./html.ts");
		writeFileSync(request.html, renderHtml(report));
		err.write(`wrote ${request.html}\n`);
	}
	if (request.json) {
		const { renderJson } = await import("./json.ts");
		out.write(renderJson(report));
	} else {
		const { renderText } = await import("./text.ts");
		out.write(renderText(report, out));
	}
}
