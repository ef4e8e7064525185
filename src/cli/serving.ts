/** The sockets on which a command serves: opened, or with `--takeover` taken over from the process that served before. */
import { setTimeout as sleep } from "node:timers/promises";
import type {
	DatagramsListener,
	ServingSocket,
	SocketSpecs,
	StatefulConnection,
} from "../handover/index.ts";
import { type Address, datagrams, LIMITS, listen, type SyscallError } from "../index.ts";
import type { ServiceState } from "../systemd/index.ts";
import { readAddress } from "./address-argument.ts";
import { UsageError } from "./exit-code.ts";

/** Where processes hand over to each other. */
export type Control = Address & { readonly transport: "unix-seqpacket" };

/** A socket to serve on. */
export interface Wish {
	/** By which it is found again, besides its address. */
	readonly name: string;
	readonly address: Address;
	readonly carriesDatagrams: boolean;
	/** As of `listen` or `datagrams`. */
	readonly options: object;
}

/** How to get them. */
export interface ServingOptions {
	/** Undefined for no taking over. */
	readonly control: Control | undefined;
	/** Whether the service manager is told. */
	readonly notifies: boolean;
	/** Ends waiting, and then serving. */
	readonly signal: AbortSignal;
	/** Tells what went wrong, and did not matter. */
	readonly say: (text: string) => void;
	/** Datagram sockets that serve one peer each: those to hand over, and what becomes of one that comes. Default: they stay where they are. */
	readonly sessions?: SessionMoves | undefined;
}

/** How sockets of single peers go from one process to the next. */
export interface SessionMoves {
	readonly leaving: () => Iterable<StatefulConnection>;
	readonly onArrived: DatagramsListener;
}

/** Sockets that are open. */
export interface Serving {
	/** In the order of the wishes. */
	readonly sockets: readonly ServingSocket[];
	/** From which process they come; undefined when they are new. */
	readonly predecessorPid: number | undefined;
	/** Settles when sockets of single peers have come from it, or will not come. Never rejects. */
	readonly received: Promise<void>;
	/** The process that has taken them over; undefined when `leave` was called before. Never settles without `--takeover`. */
	readonly successor: Promise<number | undefined>;
	/** Offers them to nobody any more. They stay open. */
	leave(): Promise<void>;
}

const ATTEMPTS_MAX = 3;

/**
 * Reads the value of `--takeover`: a path, a name with `@`, or either with `unix-seqpacket:`.
 *
 * @throws {UsageError} it is none of them
 */
export function readControl(text: string): Control {
	const isBare = !/[:@/]/.test(text);
	const address = readAddress(isBare ? `./${text}` : text, "listen");
	if (address.transport === "unix" || address.transport === "unix-seqpacket") {
		return { ...address, transport: "unix-seqpacket" } as Control;
	}
	throw new UsageError("--takeover needs a path for this purpose alone, such as ./relay.control");
}

/**
 * Opens them all or none.
 *
 * @throws as `listen`, `datagrams` and `takeOver`
 */
export async function openAll(wishes: readonly Wish[], options: ServingOptions): Promise<Serving> {
	const { control } = options;
	const serving = await (control === undefined
		? openNew(wishes)
		: takeAll(wishes, { ...options, control }));
	// Whoever leaves in a hurry leaves no socket file either.
	process.once("exit", () => {
		for (const socket of serving.sockets) {
			if ("abort" in socket) socket.abort();
			else socket.close();
		}
	});
	if (options.notifies) await tellManager(serving, options);
	return serving;
}

// What cannot be told is no reason to serve nobody.
async function tellManager({ successor }: Serving, { signal, say }: ServingOptions): Promise<void> {
	const { notify } = await import("../systemd/index.ts");
	const tell = async (state: ServiceState): Promise<void> => {
		await notify(state).catch(({ message }: Error) => say(`systemd was not told: ${message}`));
	};
	await tell({ ready: true, mainPid: process.pid });
	let isMain = true;
	void successor.then((pid) => {
		isMain = pid === undefined;
	});
	const onEnd = (): void => {
		if (isMain) void tell({ stopping: true });
	};
	signal.addEventListener("abort", onEnd, { once: true });
}

async function openNew(wishes: readonly Wish[]): Promise<Serving> {
	const sockets: ServingSocket[] = [];
	try {
		for (const wish of wishes) sockets.push(await openOne(wish));
	} catch (error) {
		for (const socket of sockets) await socket.close();
		throw error;
	}
	const never = new Promise<undefined>(() => {});
	const received = Promise.resolve();
	return { sockets, predecessorPid: undefined, received, successor: never, leave: async () => {} };
}

async function openOne({ address, carriesDatagrams, options }: Wish): Promise<ServingSocket> {
	try {
		return carriesDatagrams ? await datagrams(address, options) : await listen(address, options);
	} catch (error) {
		throw await inUse(error, address);
	}
}

// Loaded when it is needed only.
async function inUse(error: unknown, address: Address): Promise<unknown> {
	if ((error as { readonly code?: unknown }).code !== "EADDRINUSE") return error;
	const { explainInUse } = await import("./occupants.ts");
	return await explainInUse(error, address);
}

async function takeAll(
	wishes: readonly Wish[],
	options: ServingOptions & { readonly control: Control },
): Promise<Serving> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await takeOnce(wishes, options);
		} catch (error) {
			// The one before has died in the middle, so that there is nobody now.
			const hasEnded = (error as { reason?: unknown }).reason === "ended";
			if (hasEnded && attempt < ATTEMPTS_MAX) continue;
			const wish = wishOf(error as SyscallError, wishes);
			throw wish === undefined ? error : await inUse(error, wish.address);
		}
	}
}

function wishOf({ port, path }: SyscallError, wishes: readonly Wish[]): Wish | undefined {
	return wishes.find(({ address }) => {
		return "path" in address ? address.path === path : "port" in address && address.port === port;
	});
}

async function takeOnce(
	wishes: readonly Wish[],
	{ control, signal, say, sessions }: ServingOptions & { readonly control: Control },
): Promise<Serving> {
	const { takeOver } = await import("../handover/index.ts");
	const specs: Record<string, SocketSpecs[string]> = {};
	const names = wishes.map(({ name, address, options }, i) => {
		const unique = name in specs ? `${name} ${i}` : name;
		specs[unique] = { address, ...options };
		return unique;
	});
	const onDatagrams = sessions?.onArrived;
	const handover = await takeOver(control, { sockets: specs, onDatagrams, signal });
	const taken = await handover.ready({ signal });
	const onFailure = ({ message }: Error): void => say(`still serving: ${message}`);
	const sockets = names.map((name) => taken[name] as ServingSocket);
	// A command has nothing to do until its `ready()`, and one that falls silent must not keep others from taking over.
	const startMs = LIMITS.handoverStepMs;
	const offer = { startMs, connections: sessions?.leaving, onFailure };
	return {
		sockets,
		predecessorPid: handover.predecessorPid,
		received: inTime(handover.received, signal),
		successor: handover.offer(offer).then((successor) => successor?.pid),
		leave: () => handover.close(),
	};
}

// A process that stands still keeps nobody waiting for its sessions.
async function inTime(received: Promise<unknown>, ending: AbortSignal): Promise<void> {
	const end = new AbortController();
	const signal = AbortSignal.any([end.signal, ending]);
	const time = sleep(2 * LIMITS.handoverMoveMs, undefined, { signal });
	await Promise.race([received, time]).catch(() => {});
	end.abort();
	await time.catch(() => {});
}
