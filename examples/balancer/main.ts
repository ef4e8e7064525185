/**
 * Three manners to spread connections over worker processes, measured side by side: by descriptor passing to the least busy (acceptor.ts), by
 * `node:cluster`, and by the kernel with SO_REUSEPORT.
 *
 *     node examples/balancer/main.ts
 *     node examples/balancer/main.ts WORKERS CLIENTS SECONDS
 *
 * The clients run in this process, on the same machine: connections per second are bounded by them as well.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { comeAndGo, type Measured, stay } from "./load.ts";

const [workers = 4, clients = 64, seconds = 2] = process.argv.slice(2).map(Number);
const SERVE = fileURLToPath(new URL(`./serve${import.meta.url.slice(-3)}`, import.meta.url));

console.log(
	`${workers} workers, ${clients} clients, ${seconds} s each; spread: connections of the busiest worker by those of the idlest`,
);
console.log(
	row(
		"",
		"connections/s",
		"p50 ms",
		"p99 ms",
		"spread",
		"| lasting: answers/s",
		"p99 ms",
		"spread",
	),
);
for (const manner of ["balancer", "cluster", "reuseport"]) {
	const [short, long] = await measure(manner);
	console.log(
		row(
			manner,
			String(Math.round(short.perSecond)),
			short.p50Ms.toFixed(2),
			short.p99Ms.toFixed(2),
			spread(short),
			`| ${Math.round(long.perSecond)}`,
			long.p99Ms.toFixed(2),
			`${spread(long)} (${long.byWorker.join(" ")})`,
		),
	);
}

async function measure(manner: string): Promise<[short: Measured, long: Measured]> {
	const server = spawn(process.execPath, [SERVE, manner, String(workers)], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	try {
		const [address] = (await once(createInterface(server.stdout), "line")) as [string];
		// Not measured: until all workers have started, and everything is compiled.
		let warm: Measured;
		do warm = await comeAndGo(address, clients, seconds * 1_000, workers);
		while (warm.byWorker.includes(0));
		const short = await comeAndGo(address, clients, seconds * 1_000, workers);
		return [short, await stay(address, clients, seconds * 1_000, workers)];
	} finally {
		server.stdin.end();
		await once(server, "exit");
	}
}

function spread({ byWorker }: Measured): string {
	return (Math.max(...byWorker) / Math.min(...byWorker)).toFixed(2);
}

function row(...cells: string[]): string {
	const widths = [10, 14, 8, 8, 8, 21, 8, 0];
	return cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join(" ");
}
