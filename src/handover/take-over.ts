/** `takeOver`: how a process begins to serve, whether or not another one does already. */
import { lstatSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Known, requireFunction, requireOptions } from "../arguments.ts";
import { HandoverError, InvalidAddressError, SyscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { sameUser } from "../open/allow.ts";
import { listen } from "../open/listen.ts";
import { type Address, formatAddress, parseAddress, type UnixAddress } from "../socket/address.ts";
import { countDown, WAIT, type WaitOptions } from "../socket/wait.ts";
import { type Filled, Handover } from "./handover.ts";
import { askPredecessor, type Inheritance } from "./inheritance.ts";
import type { ConnectionListener, DatagramsListener } from "./moving.ts";
import { Post } from "./post.ts";
import { openPlace, placesOf, type SocketSpecs } from "./sockets.ts";

/** Options of `takeOver`. */
export interface TakeOverOptions<Specs extends SocketSpecs> extends WaitOptions {
	/**
	 * The sockets to serve on, by names of your own: each an address as `listen` and `datagrams` take it, or such an address with their options.
	 * One that the process before has, asked for by the same address, is inherited; the others are opened. What that one has and this one does
	 * not ask for is closed.
	 */
	readonly sockets: Specs;
	/** Takes idle connections of the process before, with what it tells of each; called from `ready()` on. Default: they stay there. */
	readonly onConnection?: ConnectionListener | undefined;
	/** As `onConnection`, for datagram sockets that serve one peer each. Default: they stay there. */
	readonly onDatagrams?: DatagramsListener | undefined;
	/** Milliseconds until the process before has handed out everything, or this one has opened its own. Default 10000. */
	readonly timeoutMs?: number | undefined;
}

const KNOWN: Known<TakeOverOptions<SocketSpecs>> = {
	...WAIT,
	sockets: true,
	onConnection: true,
	onDatagrams: true,
};

interface Beginning {
	readonly post: Post | undefined;
	readonly inheritance: Inheritance | undefined;
}

const RETRY_MS = 10;
const HANG_UPS_MAX = 3;

/**
 * Takes the place of the process that listens at `address`, if there is one: gets its sockets, and opens those that it does not have. That one goes
 * on serving until `ready()` is called here. If there is none, opens all sockets.
 *
 * @param address a Unix seqpacket address for this one purpose: `unix-seqpacket:/run/app/handover`. Its file is made with mode 0600, and only
 *   the same user, or root, may connect to it. It also says who runs: of two that are started at once, one is told that the other is there
 * @throws {HandoverError} the process before has refused, by its `reason`, or has ended in the middle
 * @throws {PeerError} another user listens there
 * @throws {InvalidAddressError} it is no Unix seqpacket address
 * @throws {SyscallError} EADDRINUSE: something that is no socket is there
 * @throws {TimeoutError | AbortError} the process before has not answered in time
 * @throws as `listen` and `datagrams` for what is opened. After any error nothing stays open, and the process before goes on
 */
export async function takeOver<const Specs extends SocketSpecs>(
	address: string | Address,
	options: TakeOverOptions<Specs>,
): Promise<Handover<Specs>> {
	const { sockets, onConnection, onDatagrams, signal } = requireOptions(options, KNOWN);
	requireFunction("onConnection", onConnection);
	requireFunction("onDatagrams", onDatagrams);
	const place = postAddress(address);
	const wanted = placesOf(sockets);
	const timeoutMs = options.timeoutMs ?? LIMITS.handoverStepMs;
	const left = countDown({ signal, timeoutMs }) as () => WaitOptions;
	const beginning = await begin(place, left, timeoutMs);
	const places: Filled[] = [];
	const takers = { onConnection, onDatagrams };
	try {
		// Whatever can go wrong shall do so as long as the process before is the owner.
		beginning.inheritance?.post?.prepare({ address: place, options: { allow: sameUser() } });
		for (const each of wanted) {
			const heirloom = beginning.inheritance?.take(each.name, each.asked);
			places.push({ ...each, from: heirloom ?? (await openPlace(each)) });
			heirloom?.prepare(each);
		}
		return new Handover({ ...beginning, places, takers });
	} catch (error) {
		await new Handover({ ...beginning, places, takers }).close();
		throw error;
	}
}

function postAddress(input: string | Address): UnixAddress<"unix-seqpacket"> {
	const address = parseAddress(input);
	if (address.transport === "unix-seqpacket" && ("path" in address || "abstract" in address)) {
		return address;
	}
	throw new InvalidAddressError(
		formatAddress(address),
		"write unix-seqpacket:PATH, with a path for this purpose alone",
	);
}

async function begin(
	address: UnixAddress<"unix-seqpacket">,
	left: () => WaitOptions,
	timeoutMs: number,
): Promise<Beginning> {
	for (let hangUps = 0; ; ) {
		try {
			const inheritance = await askPredecessor(address, left);
			if (inheritance !== undefined) return { inheritance, post: undefined };
			const post = await openPost(address);
			if (post !== undefined) return { inheritance: undefined, post };
		} catch (error) {
			if (error instanceof TimeoutError) throw new TimeoutError(timeoutMs, 0, "Taking over");
			const isHangUp = error instanceof HandoverError && error.reason === "refused";
			if (!isHangUp || ++hangUps === HANG_UPS_MAX) throw error;
		}
		if (left().timeoutMs === 0) throw new TimeoutError(timeoutMs, 0, "Taking over");
		await sleep(RETRY_MS, undefined, { signal: left().signal });
	}
}

// undefined when another one was faster; it may not listen yet.
async function openPost(address: UnixAddress<"unix-seqpacket">): Promise<Post | undefined> {
	try {
		const mode = "path" in address ? 0o600 : undefined;
		return new Post(await listen(address, { mode, onStale: "replace-dead", allow: sameUser() }));
	} catch (error) {
		const isTaken = error instanceof SyscallError && error.code === "EADDRINUSE";
		if (isTaken && !isBlocked(address)) return undefined;
		throw error;
	}
}

// What is no socket stays in the way, however long anybody waits.
function isBlocked(address: UnixAddress<"unix-seqpacket">): boolean {
	if (!("path" in address)) return false;
	return lstatSync(address.path, { throwIfNoEntry: false })?.isSocket() === false;
}
