/**
 * Starts threads that share a port, sends to them from many sockets for some seconds, and prints how the kernel spread it.
 *
 *     node examples/reuseport-workers/main.ts 4
 *     node examples/reuseport-workers/main.ts THREADS SECONDS SENDERS BYTES
 */
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { startWorkers } from "./workers.ts";

const [threads = 2, seconds = 2, senders = 64, bytes = 64] = process.argv.slice(2).map(Number);

const workers = await startWorkers(threads, "udp://127.0.0.1:0");

const flood = new Worker(new URL(`./flood${import.meta.url.slice(-3)}`, import.meta.url), {
	workerData: { address: workers.address, senders, bytes },
});
await once(flood, "message");
workers.counts();
const start = performance.now();
await setTimeout(seconds * 1_000);
flood.postMessage("stop");
const [sent] = (await once(flood, "message")) as [number];
const counts = workers.counts();
const elapsed = (performance.now() - start) / 1_000;
await workers.stop();

const total = counts.reduce((sum, count) => sum + count, 0);
for (const [i, count] of counts.entries()) {
	const share = total === 0 ? 0 : (100 * count) / total;
	console.log(`thread ${i}: ${count} datagrams, ${share.toFixed(1)} %`);
}
console.log(
	`${senders} senders, ${bytes} bytes, ${elapsed.toFixed(2)} s, ${sent} sent, ${total} received`,
);
console.log(`${Math.round(total / elapsed)} datagrams per second`);
