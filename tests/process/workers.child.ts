/**
 * Starts threads and terminates them at random moments, several at once. Tells how many got to work, and which sockets and other
 * descriptors of the event loop are left. Argument: how many.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { Worker } from "node:worker_threads";

const count = Number(process.argv[2]);
const AT_ONCE = 4;

// Not files: a thread of Node that is terminated while it reads a module leaves that file open.
const OURS = /^(socket:|anon_inode:\[(eventfd|eventpoll|timerfd)\])/;

function openDescriptors(): string[] {
	const targets = readdirSync("/proc/self/fd").map((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`);
		} catch {
			return "";
		}
	});
	return targets.filter((target) => OURS.test(target));
}

function start(): { worker: Worker; busy: Promise<boolean>; failed: Promise<never> } {
	const worker = new Worker(new URL("./busy.worker.js", import.meta.url));
	const busy = new Promise<boolean>((resolve) => {
		worker.once("message", () => resolve(true));
		worker.once("exit", () => resolve(false));
	});
	const failed = new Promise<never>((_resolve, reject) => {
		worker.once("error", reject);
	});
	failed.catch(() => {});
	return { worker, busy, failed };
}

const first = start();
const begin = performance.now();
await Promise.race([first.busy, first.failed]);
let reachMs = 2 * (performance.now() - begin);
await first.worker.terminate();

const before = openDescriptors();
let started = 0;
let busyCount = 0;

async function lane(): Promise<void> {
	while (started < count) {
		started++;
		const { worker, busy, failed } = start();
		// From the first instruction on to well into the work: as long as every second gets there, however busy the machine is.
		const delayMs = Math.random() * reachMs;
		await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, delayMs))]);
		await Promise.race([failed, worker.terminate()]);
		if (await busy) {
			busyCount++;
			reachMs *= 0.95;
		} else reachMs *= 1.05;
	}
}

await Promise.all(Array.from({ length: AT_ONCE }, lane));
const left = openDescriptors().filter((target) => !before.includes(target));
console.log(JSON.stringify({ started, busyCount, left }));
