// The subject `socketry` over datagrams.
import { datagrams } from "socketry";
import { DATAGRAM_MARGIN_MS, Laps, sendUntil, Window } from "./measure.mjs";
import { announceAt, busyOption } from "./socketry-options.mjs";
import { peerHost, report } from "./task.mjs";

const BATCH = 64;
const MARKERS = 5;

async function serveEcho(task) {
	const socket = await datagrams(task.address, busyOption(task));
	announceAt(task, socket.address);
	for await (const { data, from } of socket) {
		if (data.length === 0) break;
		await socket.send(data, from);
	}
	process.exit(0);
}

async function pingpong(task) {
	const socket = await datagrams(undefined, { connect: task.address, ...busyOption(task) });
	const message = Buffer.alloc(task.size);
	const laps = new Laps(task);
	do {
		await socket.send(message);
		await socket.receive();
	} while (laps.lap());
	await socket.send(Buffer.alloc(0));
	report(laps.figures());
}

async function receive(task) {
	const socket = await datagrams(task.address, { receiveBufferBytes: task.receiveBuffer });
	announceAt(task, socket.address);
	const window = new Window(task);
	for await (const { data } of socket) {
		if (data.length === 1) break;
		window.add(1);
	}
	report(window.figures());
}

async function send(task) {
	const socket = await (task.peers === undefined
		? datagrams(undefined, { connect: task.address })
		: datagrams("udp://0.0.0.0:0"));
	const peers = peersOf(task);
	const message = Buffer.alloc(task.size);
	const end = sendUntil(task, DATAGRAM_MARGIN_MS);
	let next = 0;
	while (performance.now() < end) {
		for (let i = 0; i < BATCH; i++) await socket.send(message, peers[next++ % peers.length]);
	}
	await socket.flush();
	const sent = socket.sentCount;
	for (let i = 0; i < MARKERS; i++) {
		await new Promise((resolve) => setTimeout(resolve, 5));
		// The receiver has gone when it got the marker before.
		await socket.send(Buffer.alloc(1), peers[0]).catch(() => {});
	}
	report({ sent });
}

// One undefined stands for the peer that the socket is connected with.
function peersOf({ peers, port }) {
	if (peers === undefined) return [undefined];
	return Array.from({ length: peers }, (_, i) => ({ transport: "udp", host: peerHost(i), port }));
}

/** By role and kind of case. */
export const handlers = {
	"server pingpong": serveEcho,
	"client pingpong": pingpong,
	"server datagrams": receive,
	"client datagrams": send,
};
