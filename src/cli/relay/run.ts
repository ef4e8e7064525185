/** What `socketry relay` does. */
import type { ServingSocket } from "../../handover/index.ts";
import {
	type Datagrams,
	formatAddress,
	LIMITS,
	type Listener,
	type Overload,
	type PacketStream,
	type RefusedPeer,
	type Stream,
} from "../../index.ts";
import { acceptEach } from "../accept-each.ts";
import type { Context } from "../command.ts";
import { roomFor } from "../descriptor-room.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { CutError, EXIT } from "../exit-code.ts";
import type { Incoming } from "../incoming.ts";
import { openAll, type Serving, type SessionMoves, type Wish } from "../serving.ts";
import { checkTls } from "../tls-options.ts";
import { visibleLine } from "../visible-text.ts";
import { Joiner, type Listening } from "./joiner.ts";
import { type Request, type Route, readRequest, routeName } from "./options.ts";
import { PeerLines } from "./peer-lines.ts";
import { decodeSession, type SessionState } from "./session-state.ts";
import { BURST_BYTES, takeSessions } from "./sessions.ts";
import { lineStart, showFigures, Tally } from "./tally.ts";
import { compileLate, keepYoungSpaceSmall } from "./v8-settings.ts";

const DRAIN_MS = 5_000;
// Two sockets. Of a session one, and one that is passed on.
const CONNECTION_DESCRIPTORS = 2;
// With descriptors on their way in both directions.
const PASSING_DESCRIPTORS = 6;
const SESSION_DESCRIPTORS = 2;
// What the pipes have of all descriptors.
const PIPE_SHARE = 2 / LIMITS.relayDescriptorsPerPipeCount;

/** A session that began in another process. */
interface ArrivedSession extends SessionState {
	readonly upstream: Datagrams;
}

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	await checkTls(request.tlsIn, request.tlsOut?.tls);
	if (request.routes.every(({ fromManner }) => fromManner === "stream")) {
		keepYoungSpaceSmall();
		compileLate();
	}
	const tally = new Tally();
	const relay = new Relay(request, tally, context);
	const hide = showFigures(tally, context, request);
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
	readonly #lines: PeerLines;
	readonly #listening: Listening[] = [];
	// Undefined once it is too late for more.
	#arrived: ArrivedSession[] | undefined = [];
	readonly #sessions = new Set<Promise<void>>();

	constructor(request: Request, tally: Tally, context: Context) {
		this.#request = request;
		this.#context = context;
		this.#tally = tally;
		this.#lines = new PeerLines((text) => this.#say(text));
		this.#joiner = new Joiner(request, tally, (text) => this.#lines.say(text));
	}

	async run(): Promise<void> {
		const { routes, control, notifies } = this.#request;
		const { signal } = this.#context;
		const wishes = routes.map((route) => this.#wish(route));
		const say = (text: string): void => this.#say(text);
		// All of them or none: whoever has asked for two ports is not served by one.
		const sessions: SessionMoves = {
			leaving: () => this.#joiner.leaving(),
			onArrived: (socket, state) => this.#arrive(socket, state),
		};
		const serving = await openAll(wishes, { control, notifies, signal, say, sessions });
		try {
			this.#begin(serving);
			const inherited = serving.received.then(() => this.#inherit());
			const served = this.#listening.map((each) => this.#serve(each, inherited));
			const drain = this.#drainOn(serving);
			try {
				await Promise.all(served);
				await Promise.all(this.#sessions);
			} finally {
				drain.stop();
			}
		} finally {
			this.#lines.close();
			await serving.leave();
			for (const socket of serving.sockets) await socket.close();
		}
	}

	#arrive(upstream: Datagrams, state: Uint8Array): void {
		const session = decodeSession(state);
		if (session === undefined || this.#arrived === undefined) upstream.abort();
		else this.#arrived.push({ ...session, upstream });
	}

	// Those of routes that are served here; the others have ended.
	#inherit(): readonly ArrivedSession[] {
		const arrived = this.#arrived ?? [];
		this.#arrived = undefined;
		const names = new Set(this.#request.routes.map(routeName));
		const isOver = this.#context.signal.aborted;
		return arrived.filter(({ route, upstream }) => {
			const isServed = !isOver && names.has(route);
			if (!isServed) upstream.abort();
			return isServed;
		});
	}

	#wish(route: Route): Wish {
		const { from, fromManner } = route;
		const { mode, allow } = this.#request;
		const carriesDatagrams = fromManner === "datagrams";
		const onRefused = ({ peer }: RefusedPeer): void => {
			this.#tally.refusedCount++;
			this.#lines.say(`refused a connection of user ${peer?.uid ?? "unknown"}`);
		};
		// In spite of `maxOf`: of the whole machine, or by passed descriptors.
		const onOverload = ({ code, refused }: Overload): void => {
			for (let i = 0; i < refused; i++) this.#tally.end(undefined, "failed");
			this.#lines.say(`refused ${refused} connections: ${code}`);
		};
		const isUnix = from.transport.startsWith("unix");
		return {
			name: routeName(route),
			address: from,
			carriesDatagrams,
			options: {
				...{ mode, onStale: "replace-dead" },
				...(this.#joiner.passes(route) ? { receiveDescriptors: true } : {}),
				...(carriesDatagrams ? { receiveBufferBytes: BURST_BYTES } : { allow }),
				...(isUnix && !carriesDatagrams ? { onRefused } : {}),
				...(carriesDatagrams ? {} : { onOverload }),
			},
		};
	}

	#begin({ sockets, predecessorPid }: Serving): void {
		for (const [i, route] of this.#request.routes.entries()) {
			this.#listening.push(listeningOn(sockets[i] as ServingSocket, route));
		}
		const { json, isQuiet } = this.#request;
		for (const { socket, route } of this.#listening) {
			const [address, to] = [formatAddress(socket.address), formatAddress(route.to)];
			if (json) this.#write("listening", { address, to, predecessorPid });
			else if (!isQuiet) this.#context.err.say(`listening on ${address}, for ${to}`);
		}
		if (predecessorPid !== undefined && !json)
			this.#say(`took over from process ${predecessorPid}`);
	}

	async #serve(
		{ route, socket, isDatagrams }: Listening,
		arriving: Promise<readonly ArrivedSession[]>,
	): Promise<void> {
		const { once } = this.#request;
		const max = this.#maxOf(isDatagrams);
		if (!isDatagrams) {
			return await acceptEach<Stream | PacketStream, Incoming>(socket, {
				max,
				once,
				prepare: (connection) => this.#joiner.prepare(connection),
				serve: (connection) => this.#joiner.join(connection, route),
				shed: this.#joiner.shed,
			});
		}
		// Who belongs to one that is on its way must not get another one.
		const name = routeName(route);
		const inherited = (await arriving).filter((each) => each.route === name);
		await takeSessions(socket, {
			inherited: inherited.map(({ peer: from, upstream }) => ({ from, upstream })),
			max,
			onSession: (channel, from, upstream) => {
				const session = this.#joiner.joinChannel(channel, from, route, upstream).finally(() => {
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

	// Of each route.
	#maxOf(isDatagrams: boolean): number {
		const { max, routes } = this.#request;
		const passes = routes.some((route) => this.#joiner.passes(route));
		const ofConnection = passes ? PASSING_DESCRIPTORS : CONNECTION_DESCRIPTORS;
		const each = isDatagrams ? SESSION_DESCRIPTORS : ofConnection;
		const room = roomFor(max, each * routes.length, isDatagrams ? 0 : PIPE_SHARE);
		if (room < max) {
			this.#say(
				`serving up to ${room} at once: for more, raise the limit of descriptors (ulimit -n)`,
			);
		}
		return room;
	}

	// The first signal, or a process that has taken over: nobody new, and time for those under way.
	#drainOn(serving: Serving): { stop: () => void } {
		const { signal } = this.#context;
		const { drainMs = DRAIN_MS } = this.#request;
		let timer: NodeJS.Timeout | undefined;
		const cutAfter = (ms: number): void => {
			clearTimeout(timer);
			timer = setTimeout(() => {
				this.#finishSessions();
				this.#joiner.abort();
			}, ms);
		};
		const drain = (): void => {
			void serving.leave();
			for (const { socket, isDatagrams } of this.#listening) if (!isDatagrams) socket.close();
			const count = this.#joiner.underWayCount;
			if (count > 0) {
				const time = `${drainMs / 1_000} s for ${count} under way`;
				this.#say(`waiting up to ${time}; Ctrl-C again leaves`);
			}
			cutAfter(count > 0 ? drainMs : 0);
			this.#finishSessions();
		};
		void serving.successor.then((pid) => {
			if (pid === undefined) return;
			this.#tellSuccessor(pid);
			// Those who still have something under way here do not notice, unless it was limited.
			if (this.#request.drainMs !== undefined && !signal.aborted) cutAfter(drainMs);
		});
		if (signal.aborted) drain();
		else signal.addEventListener("abort", drain, { once: true });
		return {
			stop: () => {
				clearTimeout(timer);
				signal.removeEventListener("abort", drain);
			},
		};
	}

	#tellSuccessor(pid: number): void {
		const open = this.#joiner.underWayCount;
		if (this.#request.json) this.#write("successor", { pid, open });
		else this.#say(`process ${pid} has taken over; ${open} under way end here`);
	}

	// They have no end of their own. What comes for them later is another process's, or nobody's.
	#finishSessions(): void {
		this.#joiner.finishSessions();
		for (const { socket, isDatagrams } of this.#listening) {
			if (isDatagrams) void Promise.all(this.#sessions).then(() => socket.abort());
		}
	}

	#say(text: string): void {
		const { json, isQuiet } = this.#request;
		const { err } = this.#context;
		if (json) this.#write("message", { text });
		else if (!isQuiet) err.write(`${lineStart(err)}socketry relay: ${visibleLine(text)}\n`);
	}

	#write(type: string, fields: Readonly<Record<string, unknown>>): void {
		this.#context.out.write(jsonLine(type, fields));
	}
}

function listeningOn(socket: ServingSocket, route: Route): Listening {
	return route.fromManner === "datagrams"
		? { route, socket: socket as Datagrams, isDatagrams: true }
		: { route, socket: socket as Listener<Stream> | Listener<PacketStream>, isDatagrams: false };
}
