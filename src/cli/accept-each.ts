/** Serving connections side by side, up to a number of them. */
import { ClosedError } from "../index.ts";

/** What accepts connections, with TLS or without. */
export interface Accepting<T> {
	/** Rejects with `ClosedError` once it is closed. */
	accept(): Promise<T>;
	close(): void;
}

/** How connections are served. */
export interface ServingOptions<T> {
	/** Most at once; the others wait in the kernel. */
	readonly max: number;
	/** Serves one connection and stops listening. */
	readonly once: boolean;
	/** Serves a connection to its end; must not reject. */
	readonly serve: (connection: T) => Promise<void>;
}

/** Accepts and serves until the listener is closed, then waits for those under way. */
export async function acceptEach<T>(
	listener: Accepting<T>,
	{ max, once, serve }: ServingOptions<T>,
): Promise<void> {
	const underWay = new Set<Promise<void>>();
	let wake: (() => void) | undefined;
	for (;;) {
		if (underWay.size >= max) {
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		}
		const connection = await acceptNext(listener);
		if (connection === undefined) break;
		if (once) listener.close();
		const serving = serve(connection).finally(() => {
			underWay.delete(serving);
			wake?.();
		});
		underWay.add(serving);
	}
	await Promise.all(underWay);
}

async function acceptNext<T>(listener: Accepting<T>): Promise<T | undefined> {
	try {
		return await listener.accept();
	} catch (error) {
		if (error instanceof ClosedError) return undefined;
		throw error;
	}
}
