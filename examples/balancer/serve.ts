/**
 * A server of worker processes, in one of three manners; prints its address, and ends with its input:
 *
 *     node examples/balancer/serve.ts balancer|cluster|reuseport WORKERS
 */
import cluster from "node:cluster";
import { createServer } from "node:net";
import { formatAddress, listen } from "socketry";
import { balance, Worker } from "./acceptor.ts";
import { answer, REQUEST_BYTES } from "./answer.ts";

const [manner = "balancer", workers = "2", ...rest] = process.argv.slice(2);
const count = Number(workers);

process.stdin.once("end", () => process.exit()).resume();

if (cluster.isWorker) serveByNode(Number(process.env["INDEX"]));
else {
	switch (manner) {
		case "cluster":
			await serveByCluster();
			break;
		case "reuseport":
			await serveByReusePort();
			break;
		default:
			await serveByBalancer();
	}
}

async function serveByBalancer(): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0");
	console.log(formatAddress(listener.address));
	await balance(
		listener,
		Array.from({ length: count }, (_, i) => new Worker(i)),
	);
}

// Each of the processes listens; the kernel chooses by the addresses of both ends.
async function serveByReusePort(): Promise<void> {
	const [address = "tcp://127.0.0.1:0", index = "0"] = rest;
	const listener = await listen(address as `tcp:${string}`, { reusePort: true });
	const chosen = formatAddress(listener.address);
	if (rest.length === 0) {
		const { spawn } = await import("node:child_process");
		for (let i = 1; i < count; i++) {
			const args = [process.argv[1] as string, manner, workers, chosen, String(i)];
			// Their input is a pipe from here, which ends with this process.
			spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] }).stdout.resume();
		}
	}
	console.log(chosen);
	for await (const stream of listener) void answer(stream, Number(index));
}

// Node's own: the first process accepts, and passes handles round robin.
async function serveByCluster(): Promise<void> {
	cluster.schedulingPolicy = cluster.SCHED_RR;
	for (let i = 0; i < count; i++) {
		const worker = cluster.fork({ INDEX: String(i) });
		worker.on("listening", ({ port }) => {
			if (i === 0) console.log(`tcp://127.0.0.1:${port}`);
		});
		await new Promise((resolve) => worker.once("listening", resolve));
	}
}

function serveByNode(index: number): void {
	createServer({ noDelay: true }, (socket) => {
		let received = 0;
		socket.on("error", () => socket.destroy());
		socket.on("data", (chunk) => {
			received += chunk.length;
			for (; received >= REQUEST_BYTES; received -= REQUEST_BYTES) {
				const reply = Buffer.alloc(REQUEST_BYTES);
				reply[0] = index;
				socket.write(reply);
			}
		});
	}).listen(0, "127.0.0.1");
}
