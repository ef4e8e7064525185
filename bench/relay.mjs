// Relays compared by iperf3: what one connection moves through each, and directly. A script of its own, as the load is another's program.
//
//   node bench/relay.mjs [--seconds 2] [--rounds 3]
//
// Programs take turns within each round, so that what else the machine does meets all of them; the best round counts. In `relay/tcp-unix` two relays of
// the same kind stand one behind the other, with a Unix socket between them, for iperf3 itself knows TCP only.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

/** @typedef {{ port?: number, path?: string }} End */
/** @typedef {(from: End, to: End, folder: string) => string[]} Relay */

const NODE_PIPE = `
const net = require("node:net");
const [from, to] = process.argv.slice(1).map((text) => JSON.parse(text));
net.createServer({ allowHalfOpen: true }, (left) => {
	const right = net.connect({ ...to, allowHalfOpen: true });
	left.pipe(right).pipe(left);
	for (const side of [left, right]) side.on("error", () => { left.destroy(); right.destroy(); });
}).listen(from);`;

/** How each program is told to listen at one end and connect to the other. @type {Record<string, Relay>} */
const RELAYS = {
	socketry: (from, to) => [process.execPath, "dist/cli/main.js", "relay", ours(from), ours(to)],
	node: (from, to) => [
		process.execPath,
		"-e",
		NODE_PIPE,
		JSON.stringify(nodes(from)),
		JSON.stringify(nodes(to)),
	],
	socat: (from, to) => [
		"socat",
		from.path
			? `UNIX-LISTEN:${from.path},fork`
			: `TCP-LISTEN:${from.port},bind=127.0.0.1,fork,reuseaddr`,
		to.path ? `UNIX-CONNECT:${to.path}` : `TCP:127.0.0.1:${to.port}`,
	],
	haproxy: (from, to, folder) => {
		const config = join(folder, `haproxy-${from.port ?? "unix"}.cfg`);
		const times = "timeout connect 5s\n timeout client 60s\n timeout server 60s";
		const proxy = `listen relay\n bind ${theirs(from)}\n server one ${theirs(to)}\n`;
		writeFileSync(config, `defaults\n mode tcp\n option splice-auto\n ${times}\n${proxy}`);
		return ["haproxy", "-q", "-db", "-f", config];
	},
};

const ours = (/** @type {End} */ { port, path }) => path ?? `127.0.0.1:${port}`;
const theirs = (/** @type {End} */ { port, path }) => (path ? `unix@${path}` : `127.0.0.1:${port}`);
const nodes = (/** @type {End} */ { port, path }) =>
	path ? { path } : { port, host: "127.0.0.1" };

/** @returns {Promise<number>} a port that was free a moment ago */
async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
	await new Promise((resolve) => server.close(resolve));
	return port;
}

/** Waits until somebody listens, without a connection that iperf3 would take for a client. @param {number} port */
async function listening(port) {
	for (let i = 0; i < 100; i++) {
		const table = execFileSync("ss", ["-Htln", `sport = :${port}`], { encoding: "utf8" });
		if (table.includes("LISTEN")) return;
		await pause(50);
	}
	throw new Error(`nobody listens on ${port}`);
}

/** @param {number} port @param {number} seconds @returns {number} Gbit/s */
function measure(port, seconds) {
	const args = ["-c", "127.0.0.1", "-p", `${port}`, "-t", `${seconds}`, "-J"];
	const report = JSON.parse(execFileSync("iperf3", args, { encoding: "utf8", maxBuffer: 1 << 26 }));
	return report.end.sum_received.bits_per_second / 1e9;
}

const { values } = parseArgs({
	options: { seconds: { type: "string", default: "2" }, rounds: { type: "string", default: "3" } },
});
const folder = mkdtempSync(join(tmpdir(), "relay-"));
/** @type {import("node:child_process").ChildProcess[]} */
const children = [];

/** @param {string[]} command */
function start([name = "", ...args]) {
	children.push(spawn(name, args, { stdio: "ignore" }));
}

try {
	const target = await freePort();
	start(["iperf3", "-s", "-p", `${target}`]);
	await listening(target);
	/** @type {Map<string, { port: number, best: number }>} */
	const subjects = new Map([["direct", { port: target, best: 0 }]]);
	for (const [name, relay] of Object.entries(RELAYS)) {
		const [straight, bent] = [await freePort(), await freePort()];
		const path = join(folder, `${name}.sock`);
		start(relay({ port: straight }, { port: target }, folder));
		start(relay({ path }, { port: target }, folder));
		start(relay({ port: bent }, { path }, folder));
		subjects.set(`relay/tcp-tcp ${name}`, { port: straight, best: 0 });
		subjects.set(`relay/tcp-unix ${name}`, { port: bent, best: 0 });
	}
	for (const { port } of subjects.values()) await listening(port);
	for (let round = 0; round < Number(values.rounds); round++) {
		for (const subject of subjects.values()) {
			subject.best = Math.max(subject.best, measure(subject.port, Number(values.seconds)));
		}
	}
	for (const [name, { best }] of [...subjects].sort()) {
		console.log(`${name.padEnd(26)}${best.toFixed(1).padStart(6)} Gbit/s`);
	}
} finally {
	for (const child of children) child.kill("SIGTERM");
	await pause(300);
	for (const child of children) child.kill("SIGKILL");
	rmSync(folder, { recursive: true, force: true });
}
