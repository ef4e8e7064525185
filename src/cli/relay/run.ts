/** What `socketry relay` does. */
import {
	type Address,
	datagrams,
	formatAddress,
	type Listener,
	listen,
	type RefusedPeer,
} from "../../index.ts";
import { acceptEach } from "../accept-each.ts";
import type { Context } from "../command.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { CutError, EXIT } from "../exit-code.ts";
import type { Connection, Listening } from "./joiner.ts";
import { Joiner } from "./joiner.ts";
import { type Request, type Route, readRequest } from "./options.ts";
import { takeSessions } from "./sessions.ts";
import { showFigures, Tally } from "./tally.ts";

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const tally = new Tally();
	const relay = new Relay(request, tally, context);
	const hide = showFigures(tally, context, request.json);
	try {
		await relay.run();
	} finally {
		hide();
	}
	if (request.json) context.out.write(jsonLine("summary", tally.figures()));
	if (tally.cutCount > 0) throw new CutError(`data was cut: ${tally.text()}`);
	return tally.failedCount > 0 ? EXIT.failed : EXIT.done;
}

class Relay {
	readonly #request: Request;
	readonly #context: Context;
	readonly #joiner: Joiner;
	readonly #tally: Tally;
	readonly #listening: Listening[] = [];
	readonly #sessions = new Set<Promise<void>>();

	constructor(request: Request, tally: Tally, context: Context) {
		this.#request = request;
		this.#context = context;
		this.#tally = tally;
		this.#joiner = new Joiner(request, tally, (message) => this.#say(message));
	}

	async run(): Promise<void> {
		const { signal } = this.#context;
		let serving: Promise<void>[] = [];
		try {
			// All of them or none: whoever has asked for two ports is not served by one.
			for (const route of this.#request.routes) this.#listening.push(await this.#open(route));
			serving = this.#listening.map((each) => this.#serve(each));
			const drain = this.#drainOn(signal);
			try {
				await Promise.all(serving);
				await Promise.all(this.#sessions);
			} finally {
				drain.stop();
			}
		} finally {
			for (const { socket } of this.#listening) await socket.close();
		}
	}

	async #open(route: Route): Promise<Listening> {
		const { from, fromManner } = route;
		const { mode, allow } = this.#request;
		const descriptors = this.#joiner.passes(route) ? { receiveDescriptors: true } : {};
		const options = { mode, onStale: "replace-dead", ...descriptors } as const;
		if (fromManner === "datagrams") {
			const socket = await datagrams(from, options);
			return this.#announce({ route, socket, isDatagrams: true }, socket.address);
		}
		const { tlsIn } = this.#request;
		if (tlsIn !== undefined) {
			const { tlsListen } = await import("../../tls/index.ts");
			const socket = await tlsListen(from as Parameters<typeof tlsListen>[0], {
				...{ mode, onStale: "replace-dead", tls: tlsIn },
				...(allow === undefined ? {} : { allow }),
				onHandshakeError: (error) => this.#say(error.message),
			});
			return this.#announce({ route, socket, isDatagrams: false }, socket.address);
		}
		const onRefused = ({ peer }: RefusedPeer): void => {
			this.#say(`refused a connection of user ${peer?.uid ?? "unknown"}`);
		};
		const admission = from.transport.startsWith("unix") ? { allow, onRefused } : { allow };
		const socket = (await listen(from, { ...options, ...admission })) as Listener<Connection>;
		return this.#announce({ route, socket, isDatagrams: false }, socket.address);
	}

	#announce(listening: Listening, address: Address): Listening {
		const { json, isQuiet } = this.#request;
		const [from, to] = [formatAddress(address), formatAddress(listening.route.to)];
		if (json) this.#context.out.write(jsonLine("listening", { address: from, to }));
		else if (!isQuiet) this.#context.err.write(`listening on ${from}, for ${to}\n`);
		return listening;
	}

	#serve({ route, socket, isDatagrams }: Listening): Promise<void> {
		const { max, once } = this.#request;
		if (!isDatagrams) {
			return acceptEach<Connection>(socket, {
				max,
				once,
				serve: (connection) => this.#joiner.join(connection, route),
			});
		}
		return takeSessions(socket, {
			max,
			onSession: (channel, from) => {
				const session = this.#joiner.joinChannel(channel, from, route).finally(() => {
					this.#sessions.delete(session);
					if (once) socket.abort();
				});
				this.#sessions.add(session);
			},
			onDropped: () => {
				this.#tally.droppedCount++;
			},
		});
	}

	// The first signal: nobody new, and time for those under way.
	#drainOn(signal: AbortSignal): { stop: () => void } {
		let timer: NodeJS.Timeout | undefined;
		const drain = (): void => {
			for (const { socket, isDatagrams } of this.#listening) if (!isDatagrams) socket.close();
			const { openCount } = this.#tally;
			const { drainMs } = this.#request;
			if (openCount > 0) {
				this.#say(
					`waiting up to ${drainMs / 1_000} s for ${openCount} under way; Ctrl-C again leaves`,
				);
			}
			timer = setTimeout(() => this.#joiner.abort(), openCount > 0 ? drainMs : 0);
			this.#joiner.endSessions();
			for (const { socket, isDatagrams } of this.#listening) {
				if (isDatagrams) void Promise.all(this.#sessions).then(() => socket.abort());
			}
		};
		if (signal.aborted) drain();
		else signal.addEventListener("abort", drain, { once: true });
		return {
			stop: () => {
				clearTimeout(timer);
				signal.removeEventListener("abort", drain);
			},
		};
	}

	#say(message: string): void {
		const { json, isQuiet } = this.#request;
		if (json) this.#context.out.write(jsonLine("message", { text: message }));
		else if (!isQuiet) this.#context.err.write(`socketry relay: ${message}\n`);
	}
}
