/**
 * What happens to sockets, told to whoever listens: `diagnostics_channel`s, made when the first socket is opened. While nobody listens, an event
 * costs a look at `hasSubscribers`; no message is made, and nothing is asked of the kernel.
 */
import { AsyncResource } from "node:async_hooks";
import type { Channel } from "node:diagnostics_channel";
import { ClosedError } from "../errors.ts";
import type { Address } from "./address.ts";
import type { SocketTransport } from "./transport.ts";

/** What events tell of: an object of the upper layers. */
export interface Observed {
	readonly kind: "stream" | "packets" | "listener" | "datagrams";
	readonly transport: SocketTransport;
	/** Its figures. Must not throw. */
	stats(): object;
}

/** A socket, and the object that events tell of in its place; undefined for one that is used by itself. */
export interface Observable {
	observed: Observed | undefined;
}

/** What a call that failed was doing. */
export type Operation = "connect" | "accept" | "read" | "write" | "receive" | "send";

/** What was dropped or refused. */
export type DroppedThing = "connections" | "datagrams" | "descriptors" | "missed" | "peers";

const NAMES = ["opened", "connected", "accepted", "closed", "error", "dropped"] as const;

type EventName = (typeof NAMES)[number];

let channels: Readonly<Record<EventName, Channel>> | undefined;

// Where an object was opened; noted only while somebody listens.
const contexts = new WeakMap<Observed, AsyncResource>();

/** Has events tell of `observed` whatever happens to the socket, and tells that it is open. */
export function tellOpened(socket: Observable, observed: Observed): void {
	socket.observed = observed;
	channels ??= openChannels();
	if (!isObserved()) return;
	contexts.set(observed, new AsyncResource("SocketryObject"));
	publish("opened", observed, {});
}

/** Tells that a connection was made. @param address what was asked for @param sinceMs of `performance.now()`, when that began */
export function tellConnected(observed: Observed, address: Address, sinceMs: number): void {
	if (!hears("connected")) return;
	publish("connected", observed, { address, durationMs: performance.now() - sinceMs });
}

/** Tells that a listener has accepted a connection. */
export function tellAccepted({ observed }: Observable, listener: Observed): void {
	if (observed === undefined || !hears("accepted")) return;
	publish("accepted", observed, { listener });
}

/**
 * Looks at a socket that is about to close, or to be given away.
 *
 * @returns tells of it, once that is done; undefined when nobody has to be told
 */
export function farewell(socket: Observable, how: "closed" | "detached"): (() => void) | undefined {
	const { observed } = socket;
	if (observed === undefined || !hears("closed")) return undefined;
	// The kernel's figures go with the descriptor.
	const stats = observed.stats();
	return () => publish("closed", observed, { how, stats });
}

/** Tells that a socket is given away, open; events of it are no longer told. */
export function tellDetached(socket: Observable): void {
	const tell = farewell(socket, "detached");
	socket.observed = undefined;
	tell?.();
}

/** Tells of a failure that ends more than the call that met it. A socket that was closed has not failed. */
export function tellError(socket: Observable, operation: Operation, error: unknown): void {
	const { observed } = socket;
	if (observed === undefined || !hears("error") || error instanceof ClosedError) return;
	whereOpened(observed, () => publish("error", observed, { operation, error }));
}

/** Tells of an attempt to connect that failed: there is no object to tell of. @param sinceMs of `performance.now()`, when it began */
export function tellUnconnected(
	transport: SocketTransport,
	address: Address,
	error: unknown,
	sinceMs: number,
): void {
	if (!hears("error")) return;
	const durationMs = performance.now() - sinceMs;
	const source = undefined;
	const kind = transport.endsWith("seqpacket") ? "packets" : "stream";
	const told = { kind, transport, source, operation: "connect", error, address, durationMs };
	channels?.error.publish(told);
}

/** Tells of what was dropped or refused. @param code why, where an error number says so */
export function tellDropped(
	socket: Observable,
	what: DroppedThing,
	count: number,
	code?: string,
): void {
	const { observed } = socket;
	if (observed === undefined || count === 0 || !hears("dropped")) return;
	whereOpened(observed, () => publish("dropped", observed, { what, count, code }));
}

/** The context of the caller, for what may come to be told of his call later; undefined while nobody listens. */
export function contextOfCall(): AsyncResource | undefined {
	channels ??= openChannels();
	return isObserved() ? new AsyncResource("SocketryCall") : undefined;
}

function publish(name: EventName, source: Observed, more: object): void {
	const { kind, transport } = source;
	channels?.[name].publish({ kind, transport, source, ...more });
}

function hears(name: EventName): boolean {
	channels ??= openChannels();
	return channels[name].hasSubscribers;
}

function isObserved(): boolean {
	return NAMES.some(hears);
}

// It comes from the kernel and is found by whatever call is next: none of them is its place.
function whereOpened(observed: Observed, tell: () => void): void {
	const context = contexts.get(observed);
	if (context === undefined) tell();
	else context.runInAsyncScope(tell);
}

// Not imported: that costs time which a program that opens no socket need not pay.
function openChannels(): Record<EventName, Channel> {
	const { channel } = process.getBuiltinModule("node:diagnostics_channel");
	return {
		opened: channel("socketry:opened"),
		connected: channel("socketry:connected"),
		accepted: channel("socketry:accepted"),
		closed: channel("socketry:closed"),
		error: channel("socketry:error"),
		dropped: channel("socketry:dropped"),
	};
}
