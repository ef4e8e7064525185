/** Serving connections side by side, up to a number of them. */
import { ClosedError } from "../index.ts";
import { Unready } from "./unready.ts";

/** What accepts connections. */
export interface Accepting<T> {
	/** Rejects with `ClosedError` once it is closed. */
	accept(): Promise<T>;
	close(): void;
}

/** How connections are served. */
export interface ServingOptions<T, Ready> {
	/** Most at once; the others wait in the kernel. */
	readonly max: number;
	/** Serves one connection and stops listening. */
	readonly once: boolean;
	/** Makes a connection ready to be served; undefined for one that cannot be. Must not reject. */
	readonly prepare: (connection: T) => Promise<Ready | undefined>;
	/** Serves a connection to its end; must not reject. */
	readonly serve: (connection: Ready) => Promise<void>;
	/**
	 * Ends a connection that is being made ready, so that its `prepare` resolves soon, or one that came too late for `once`. With it, whoever comes when
	 * all places are taken gets that of the oldest that has not become ready within a second. Default: newcomers wait.
	 */
	readonly shed?: ((connection: T) => void) | undefined;
}

/**
 * Accepts and serves until the listener is closed, then waits for those under way.
 *
 * @throws what `prepare` or `serve` rejected with, against their promise; the listener is closed then
 */
export async function acceptEach<T, Ready>(
	listener: Accepting<T>,
	{ max, once, prepare, serve, shed }: ServingOptions<T, Ready>,
): Promise<void> {
	const limit = once ? 1 : max;
	const unready = shed === undefined ? undefined : new Unready(shed);
	const failures: unknown[] = [];
	let count = 0;
	let isServed = false;
	let wake: (() => void) | undefined;
	const change = (): Promise<void> =>
		new Promise((resolve) => {
			wake = resolve;
		});
	const begin = (ready: Ready | undefined): Promise<void> | undefined => {
		if (ready === undefined) return undefined;
		if (once) {
			isServed = true;
			listener.close();
		}
		return serve(ready);
	};
	const leave = (): void => {
		count--;
		wake?.();
	};
	// What must not reject has: nobody waits for it any longer, and whoever runs this is told.
	const fail = (error: unknown): void => {
		failures.push(error);
		listener.close();
		leave();
	};
	const isFull = (): boolean => count >= limit || unready?.isFull === true;
	for (;;) {
		// With `once`, the next one counts if this one is no connection to be served.
		while (isFull() && unready?.graceMs === undefined) await change();
		const connection = await acceptNext(listener);
		if (connection === undefined) break;
		while (isFull() && !isServed && unready?.graceMs !== 0) {
			await within(unready?.graceMs, change());
		}
		if (isServed) {
			shed?.(connection);
			break;
		}
		if (isFull()) unready?.shedOldest();
		count++;
		const ready = prepare(connection);
		if (unready !== undefined) tracked(unready, connection, ready, () => wake?.());
		// Nothing that waits holds the connection: whoever serves it may let go of it, and of its memory.
		void ready.then(begin).then(leave, fail);
	}
	while (count > 0) await change();
	if (failures.length > 0) throw failures[0];
}

function tracked<T>(
	unready: Unready<T>,
	connection: T,
	ready: Promise<unknown>,
	onSettled: () => void,
): void {
	unready.add(connection);
	const forget = (): void => {
		unready.delete(connection);
		onSettled();
	};
	void ready.then(forget, forget);
}

/** Resolves with `change`, or after so many milliseconds. */
async function within(ms: number | undefined, change: Promise<void>): Promise<void> {
	if (ms === undefined) return await change;
	let timer: NodeJS.Timeout | undefined;
	const time = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, ms);
	});
	await Promise.race([change, time]);
	clearTimeout(timer);
}

async function acceptNext<T>(listener: Accepting<T>): Promise<T | undefined> {
	try {
		return await listener.accept();
	} catch (error) {
		if (error instanceof ClosedError) return undefined;
		throw error;
	}
}
