// iperf3 as the load of a relay case, behind the command line that every subject has: iperf3.mjs PROGRAM server|client ...
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { freePort, untilListening } from "../harness/ports.mjs";
import { announce, play, report } from "./task.mjs";

const [iperf3 = ""] = process.argv.splice(2, 1);

const START_LIMIT_MS = 5000;
const SETPRIV = "/usr/bin/setpriv";
// It must not outlive this process, which is killed.
const GUARD = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "KILL"] : [];

function start(args) {
	const [program, ...rest] = [...GUARD, iperf3, ...args];
	const child = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
	child.on("error", (error) => {
		throw error;
	});
	return child;
}

async function serve({ host }) {
	const port = await freePort("tcp");
	const child = start(["-s", "-1", "-B", host, "-p", String(port)]);
	child.on("close", (code) => process.exit(code));
	if (!(await untilListening("tcp", port, START_LIMIT_MS)))
		throw new Error("iperf3 did not listen");
	announce(`tcp://${host}:${port}`);
}

// It counts whole seconds only.
function flood({ host, port, warmUpMs, measureMs }) {
	const [omit, seconds] = [Math.round(warmUpMs / 1000), Math.max(1, Math.round(measureMs / 1000))];
	const child = start(["-c", host, "-p", `${port}`, "-O", `${omit}`, "-t", `${seconds}`, "-J"]);
	let text = "";
	child.stdout.on("data", (chunk) => {
		text += chunk;
	});
	child.on("close", () => {
		const { intervals, end, error } = JSON.parse(text);
		if (error !== undefined) throw new Error(`iperf3: ${error}`);
		const bytes = intervals.reduce((total, { sum }) => total + sum.bytes, 0);
		report({ bytes, gbit_s: end.sum_received.bits_per_second / 1e9 });
	});
}

await play({ "server bulk": serve, "client bulk": flood });
