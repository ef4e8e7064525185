/** Clients of the servers of this example, and what they measure. */
import { connect, type Stream } from "socketry";
import { REQUEST_BYTES } from "./answer.ts";

/** What some clients have measured. */
export interface Measured {
	/** Connections, or answers. */
	readonly perSecond: number;
	/** Milliseconds from begin to end of each: half took less, and 99 of 100. */
	readonly p50Ms: number;
	readonly p99Ms: number;
	/** How many each worker had. */
	readonly byWorker: readonly number[];
}

const request = new Uint8Array(REQUEST_BYTES);

/** Connections one after the other, each for one request, from so many clients at once. */
export async function comeAndGo(
	address: string,
	clients: number,
	ms: number,
	workers: number,
): Promise<Measured> {
	return await measure(workers, ms, clients, async (note, isOver) => {
		while (!isOver()) {
			const since = performance.now();
			const stream = (await connect(address)) as Stream;
			const index = await ask(stream);
			await stream.close();
			note(index, performance.now() - since);
		}
	});
}

/** So many connections that stay, each with one request after the other. Workers are counted by connections, time by answers. */
export async function stay(
	address: string,
	clients: number,
	ms: number,
	workers: number,
): Promise<Measured> {
	const streams: Stream[] = [];
	const byWorker = Array.from({ length: workers }, () => 0);
	for (let i = 0; i < clients; i++) {
		const stream = (await connect(address)) as Stream;
		count(byWorker, await ask(stream));
		streams.push(stream);
	}
	const left = [...streams];
	const measured = await measure(workers, ms, clients, async (note, isOver) => {
		const stream = left.pop() as Stream;
		while (!isOver()) {
			const since = performance.now();
			note(await ask(stream), performance.now() - since);
		}
	});
	await Promise.all(streams.map((stream) => stream.close()));
	return { ...measured, byWorker };
}

async function ask(stream: Stream): Promise<number> {
	await stream.write(request);
	const [index = 0] = await stream.readExactly(REQUEST_BYTES);
	return index;
}

async function measure(
	workers: number,
	ms: number,
	clients: number,
	run: (note: (index: number, ms: number) => void, isOver: () => boolean) => Promise<void>,
): Promise<Measured> {
	const byWorker = Array.from({ length: workers }, () => 0);
	const times: number[] = [];
	const begin = performance.now();
	const note = (index: number, took: number): void => {
		count(byWorker, index);
		times.push(took);
	};
	const isOver = (): boolean => performance.now() - begin > ms;
	await Promise.all(Array.from({ length: clients }, () => run(note, isOver)));
	const seconds = (performance.now() - begin) / 1_000;
	times.sort((a, b) => a - b);
	const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
	return {
		perSecond: times.length / seconds,
		p50Ms: at(0.5),
		p99Ms: at(0.99),
		byWorker,
	};
}

function count(byWorker: number[], index: number): void {
	byWorker[index] = (byWorker[index] ?? 0) + 1;
}
