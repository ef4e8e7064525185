// The subjects `socketry` and, with busyPollUs, `socketry-busy`: the library's asynchronous API.
import { connect, listen } from "socketry";
import { Laps, SENDER_MARGIN_MS, sendUntil, Weight, Window } from "./measure.mjs";
import { announceAt, busyOption } from "./socketry-options.mjs";
import { play, readTask, report } from "./task.mjs";

const BUFFER_BYTES = 65536;
const GREETING = Buffer.from("!");

async function open(task) {
	const listener = await listen(task.address, { backlog: 4096, ...busyOption(task) });
	announceAt(task, listener.address);
	return listener;
}

async function openOne(task) {
	for await (const peer of await open(task)) return peer;
}

async function serveEcho(task) {
	const peer = await openOne(task);
	if (task.scheme === "unix-seqpacket") await echoPackets(peer);
	else await echoStream(peer);
	process.exit(0);
}

async function echoStream(stream) {
	const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
	for (let n = await stream.readInto(buffer); n > 0; n = await stream.readInto(buffer)) {
		await stream.write(buffer.subarray(0, n));
	}
}

async function echoPackets(packets) {
	const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
	for (;;) {
		const n = await packets.receiveInto(buffer);
		if (n === null) return;
		await packets.send(buffer.subarray(0, n));
	}
}

async function pingpong(task) {
	const peer = await connect(task.address, busyOption(task));
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
	const buffer = Buffer.alloc(BUFFER_BYTES);
	const laps = new Laps(task);
	do {
		await peer.send(message);
		await peer.receiveInto(buffer);
	} while (laps.lap());
	report(laps.figures());
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
	const stream = await connect(task.address, busyOption(task));
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
	const hold = async (stream) => {
		held++;
		try {
			await stream.write(GREETING);
			while ((await stream.read()) !== null);
			await stream.close();
		} finally {
			if (--held === 0) process.exit(0);
		}
	};
	for await (const stream of await open(task)) {
		hold(stream);
		onHeld?.();
	}
}

async function idle(task) {
	const weight = new Weight(task, globalThis.gc, report);
	await greet(task, () => weight.add());
}

const streams = {
	"server pingpong": serveEcho,
	"client pingpong": pingpong,
	"server bulk": drain,
	"client bulk": fill,
	"server smallwrites": drain,
	"client smallwrites": fill,
	"server accept": (task) => greet(task),
	"server idle": idle,
};

const isDatagram = ["udp", "unix-dgram"].includes(readTask().scheme);
await play(isDatagram ? (await import("./socketry-datagrams.mjs")).handlers : streams);
