// The subjects `socketry` and, with busyPollUs, `socketry-busy`: the library's asynchronous API.
import { connect, datagrams, listen } from "socketry";
import {
	DATAGRAM_MARGIN_MS,
	Laps,
	SENDER_MARGIN_MS,
	sendUntil,
	Weight,
	Window,
} from "./measure.mjs";
import { announce, peerHost, play, report } from "./task.mjs";

const BUFFER_BYTES = 65536;
const BATCH = 64;
const GREETING = Buffer.from("!");

const isDatagram = ({ scheme }) => scheme === "udp" || scheme === "unix-dgram";
const busy = ({ busyPollUs }) => (busyPollUs === undefined ? {} : { busyPollUs });

function announceAt(task, { port }) {
	announce(port === undefined ? task.address : `${task.scheme}://${task.host}:${port}`);
}

async function open(task) {
	const listener = await listen(task.address, { backlog: 4096, ...busy(task) });
	announceAt(task, listener.address);
	return listener;
}

async function openOne(task) {
	for await (const peer of await open(task)) return peer;
}

async function serveEcho(task) {
	if (isDatagram(task)) await echoDatagrams(task);
	else if (task.scheme === "unix-seqpacket") await echoPackets(await openOne(task));
	else await echoStream(await openOne(task));
	process.exit(0);
}

async function echoStream(stream) {
	const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
	for (let n = await stream.readInto(buffer); n > 0; n = await stream.readInto(buffer)) {
		await stream.write(buffer.subarray(0, n));
	}
}

async function echoPackets(packets) {
	for await (const message of packets) await packets.send(message);
}

async function echoDatagrams(task) {
	const socket = await datagrams(task.address, busy(task));
	announceAt(task, socket.address);
	for await (const { data, from } of socket) {
		if (data.length === 0) return;
		await socket.send(data, from);
	}
}

async function pingpong(task) {
	if (isDatagram(task)) return pingpongDatagrams(task);
	const peer = await connect(task.address, busy(task));
	if (task.scheme === "unix-seqpacket") return pingpongPackets(task, peer);
	const message = Buffer.alloc(task.size);
	const buffer = Buffer.alloc(BUFFER_BYTES);
	const laps = new Laps(task);
	do {
		await peer.write(message);
		for (let received = 0; received < task.size; ) received += await peer.readInto(buffer);
	} while (laps.lap());
	report(laps.figures());
}

async function pingpongPackets(task, peer) {
	const message = Buffer.alloc(task.size);
	const laps = new Laps(task);
	do {
		await peer.send(message);
		await peer.receive();
	} while (laps.lap());
	report(laps.figures());
}

async function pingpongDatagrams(task) {
	const socket = await datagrams(ownAddress(task), { connect: task.address, ...busy(task) });
	const message = Buffer.alloc(task.size);
	const laps = new Laps(task);
	do {
		await socket.send(message);
		await socket.receive();
	} while (laps.lap());
	await socket.send(Buffer.alloc(0));
	report(laps.figures());
}

// A Unix datagram socket must have a name of its own to be answered.
function ownAddress({ scheme, address }) {
	return scheme === "udp" ? "udp://127.0.0.1:0" : `${address}.client`;
}

async function drain(task) {
	const stream = await openOne(task);
	const window = new Window(task);
	const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
	while (!window.done) {
		const n = await stream.readInto(buffer);
		if (n === 0) break;
		window.add(n);
	}
	report(window.figures());
}

async function fill(task) {
	const stream = await connect(task.address, busy(task));
	const message = Buffer.alloc(task.size);
	const end = sendUntil(task, SENDER_MARGIN_MS);
	try {
		while (performance.now() < end) {
			for (let bytes = 0; bytes < BUFFER_BYTES; bytes += task.size) await stream.write(message);
		}
	} catch (error) {
		if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
	}
	process.exit(0);
}

async function greet(task, onHeld) {
	let held = 0;
	for await (const stream of await open(task)) {
		held++;
		hold(stream).finally(() => {
			if (--held === 0) process.exit(0);
		});
		onHeld?.();
	}
}

async function hold(stream) {
	await stream.write(GREETING);
	while ((await stream.read()) !== null);
	await stream.close();
}

async function idle(task) {
	const weight = new Weight(task, globalThis.gc, report);
	await greet(task, () => weight.add());
}

async function receiveDatagrams(task) {
	const socket = await datagrams(task.address, { receiveBufferBytes: task.receiveBuffer });
	announceAt(task, socket.address);
	const window = new Window(task);
	for await (const { data } of socket) {
		if (data.length === 1) break;
		window.add(1);
	}
	report(window.figures());
}

async function sendDatagrams(task) {
	const count = task.peers ?? 1;
	const options = count === 1 ? { connect: task.address } : {};
	const socket = await datagrams(ownAddress(task), options);
	const peers = Array.from({ length: count }, (_, i) => {
		return count === 1 ? undefined : { transport: "udp", host: peerHost(i), port: task.port };
	});
	const message = Buffer.alloc(task.size);
	const end = sendUntil(task, DATAGRAM_MARGIN_MS);
	let sent = 0;
	while (performance.now() < end) {
		for (let i = 0; i < BATCH; i++) await socket.send(message, peers[sent++ % count]);
	}
	await socket.flush?.();
	for (let i = 0; i < 5; i++) {
		await new Promise((resolve) => setTimeout(resolve, 5));
		await socket.send(Buffer.alloc(1), peers[0]);
	}
	report({ sent });
}

await play({
	"server pingpong": serveEcho,
	"client pingpong": pingpong,
	"server bulk": drain,
	"client bulk": fill,
	"server smallwrites": drain,
	"client smallwrites": fill,
	"server accept": (task) => greet(task),
	"server idle": idle,
	"server datagrams": receiveDatagrams,
	"client datagrams": sendDatagrams,
});
