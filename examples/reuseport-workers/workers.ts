/** Threads that share a UDP port: the kernel gives all datagrams of one sender to the same thread. SO_REUSEPORT, socket(7). */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Of a cache line. */
const PLACE_BYTES = 64;
/** Beside this file, and like it a source or compiled. */
const WORKER = new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url);

/** Some threads behind one port. */
export interface Workers {
	/** Of the group, where all of them receive. */
	readonly address: string;
	/** Datagrams that each of them got since the last call. */
	counts(): number[];
	stop(): Promise<void>;
}

/**
 * Starts threads, each with a socket of its own on the same port.
 *
 * @param address where to receive: `udp://127.0.0.1:0` takes a free port
 */
export async function startWorkers(count: number, address: string): Promise<Workers> {
	// Each thread counts in a place of its own, so far apart that no two share a cache line.
	const counters = new Float64Array(new SharedArrayBuffer(count * PLACE_BYTES));
	const last = new Float64Array(count);
	const workers: Worker[] = [];
	let chosen = address;
	for (let i = 0; i < count; i++) {
		const place = new Float64Array(counters.buffer, i * PLACE_BYTES, 1);
		const worker = new Worker(WORKER, { workerData: { address: chosen, place } });
		workers.push(worker);
		// The first one finds a free port for all.
		[chosen] = (await once(worker, "message")) as [string];
	}
	return {
		address: chosen,
		counts: () =>
			workers.map((_, i) => {
				const now = counters[(i * PLACE_BYTES) / 8] as number;
				const since = now - (last[i] as number);
				last[i] = now;
				return since;
			}),
		stop: async () => {
			for (const worker of workers) worker.postMessage("stop");
			await Promise.all(workers.map((worker) => once(worker, "exit")));
		},
	};
}
