// Plays one relay case once: a sink, in front of it the relay of the subject, and a source, all of them fresh processes.
import { fileURLToPath } from "node:url";
import { installed } from "./installed.mjs";
import { buildNative } from "./native.mjs";
import { freePort, untilListening } from "./ports.mjs";
import { relays } from "./relays.mjs";
import { memoryKb, processorMs } from "./weight.mjs";

const START_LIMIT_MS = 5000;
// A sink of datagrams waits 2 s for the marks of the end, which an overloaded relay loses; see native/datagrams.c.
const PARTNER_GRACE_MS = 4000;
// Into the pause that the source makes when it says how many connections it holds; see native/flood.c.
const WEIGH_AFTER_MS = 250;
const iperf3 = fileURLToPath(new URL("../subjects/iperf3.mjs", import.meta.url));

const LOADS = {
	iperf3: async () => [process.execPath, iperf3, installed("iperf3")],
	"c-flood": async () => [await buildNative(), "flood"],
	"c-sendmmsg": async () => [await buildNative(), "sendmmsg"],
};

/** The figures of one play. `start` starts a process that is ended with the play, given its name, its command and its processors. */
export async function playRelay(each, subject, { directory, params, start }) {
	const { scheme, sinkAddress, task } = placesOf(each, directory);
	const load = async (role, address) => {
		const command = [...(await LOADS[each.load]()), role, task, address, JSON.stringify(params)];
		return start(`${each.load} ${role}`, command, each.cpus[role]);
	};
	const sink = await load("server", sinkAddress);
	let address = await sink.ready;
	let relay;
	if (subject.name !== "direct") {
		const from = { scheme, port: await freePort(scheme) };
		const command = relays[subject.name](addressOf(from), address, directory);
		relay = start(subject.name, command, each.cpus.relay);
		await untilOpen(relay, from);
		address = addressOf(from);
	}
	const source = await load("client", address);
	if (each.transport === "memory") return await weigh(source, relay, params);
	const before = relay === undefined ? 0 : processorMs(relay.pid);
	await Promise.race([sink.figures, source.figures]);
	const used = relay === undefined ? 0 : processorMs(relay.pid) - before;
	await Promise.all([sink, source].map((child) => child.settle(PARTNER_GRACE_MS)));
	const figures = { ...(await sink.figures), ...(await source.figures) };
	return { ...figures, cpu_ms_per_gb: (used * 1e9) / figures.bytes };
}

function placesOf({ transport }, directory) {
	const scheme = transport === "udp" ? "udp" : "tcp";
	const task = scheme === "udp" ? "datagrams/udp" : "bulk/stream";
	const isUnix = transport === "tcp-unix";
	const sinkAddress = isUnix ? `unix:${directory}/s` : addressOf({ scheme, port: 0 });
	return { scheme, sinkAddress, task };
}

function addressOf({ scheme, port }) {
	return `${scheme}://127.0.0.1:${port}`;
}

async function untilOpen(relay, { scheme, port }) {
	const listening = untilListening(scheme, port, START_LIMIT_MS);
	// It can only end before that by a failure.
	const isOpen = await Promise.race([listening, relay.figures.then(() => false)]);
	if (!isOpen) throw new Error("the relay did not listen");
}

async function weigh(source, relay, { baseline, connections }) {
	const weights = [];
	source.onLine = ({ held }) => {
		if (held === undefined) return;
		setTimeout(() => weights.push(memoryKb(relay.pid)), WEIGH_AFTER_MS);
	};
	await source.figures;
	const [before, after] = weights;
	return { kb_per_conn: (after - before) / (connections - baseline) };
}
