// The subject `deno`: Deno.listen, Deno.connect and Deno.listenDatagram.
import { DATAGRAM_MARGIN_MS, Laps, SENDER_MARGIN_MS, sendUntil, Window } from "./measure.mjs";
import { announce, peerHost, play, report } from "./task.mjs";

const { Deno } = globalThis;
const BUFFER_BYTES = 65536;
const BATCH = 64;
const MARKERS = 5;

function placeOf({ scheme, host, port, path }) {
	switch (scheme) {
		case "unix":
			return { transport: "unix", path };
		case "unix-dgram":
			return { transport: "unixpacket", path };
		default:
			return { transport: scheme, hostname: host, port };
	}
}

function announceAt(task, { port }) {
	announce(port === undefined ? task.address : `${task.scheme}://${task.host}:${port}`);
}

function listen(task) {
	const listener = Deno.listen(placeOf(task));
	announceAt(task, listener.addr);
	return listener;
}

async function accept(task) {
	const stream = await listen(task).accept();
	stream.setNoDelay?.(true);
	return stream;
}

async function connect(task) {
	const stream = await Deno.connect(placeOf(task));
	stream.setNoDelay?.(true);
	return stream;
}

async function writeAll(stream, bytes) {
	for (let done = 0; done < bytes.length; ) {
		done += await stream.write(done === 0 ? bytes : bytes.subarray(done));
	}
}

async function serveEcho(task) {
	if (task.scheme.endsWith("dgram") || task.scheme === "udp") return echoDatagrams(task);
	const stream = await accept(task);
	const buffer = new Uint8Array(BUFFER_BYTES);
	for (let n = await stream.read(buffer); n !== null; n = await stream.read(buffer)) {
		await writeAll(stream, buffer.subarray(0, n));
	}
	process.exit(0);
}

async function pingpong(task) {
	if (task.scheme.endsWith("dgram") || task.scheme === "udp") return pingpongDatagrams(task);
	const stream = await connect(task);
	const message = new Uint8Array(task.size);
	const buffer = new Uint8Array(BUFFER_BYTES);
	const laps = new Laps(task);
	do {
		await writeAll(stream, message);
		for (let received = 0; received < task.size; ) received += await stream.read(buffer);
	} while (laps.lap());
	report(laps.figures());
}

async function drain(task) {
	const stream = await accept(task);
	const window = new Window(task);
	const buffer = new Uint8Array(BUFFER_BYTES);
	while (!window.done) {
		const n = await stream.read(buffer);
		if (n === null) break;
		window.add(n);
	}
	report(window.figures());
}

async function fill(task) {
	const stream = await connect(task);
	const message = new Uint8Array(task.size);
	const end = sendUntil(task, SENDER_MARGIN_MS);
	try {
		while (performance.now() < end) {
			for (let bytes = 0; bytes < BUFFER_BYTES; bytes += task.size) await writeAll(stream, message);
		}
	} catch (error) {
		if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
	}
	process.exit(0);
}

async function echoDatagrams(task) {
	const socket = Deno.listenDatagram(placeOf(task));
	announceAt(task, socket.addr);
	for await (const [data, from] of socket) {
		if (data.length === 0) break;
		await socket.send(data, from);
	}
	process.exit(0);
}

// It cannot connect a datagram socket.
function unconnected({ scheme, path }) {
	return Deno.listenDatagram(
		scheme === "udp"
			? { transport: "udp", hostname: "0.0.0.0", port: 0 }
			: { transport: "unixpacket", path: `${path}.client` },
	);
}

async function pingpongDatagrams(task) {
	const socket = unconnected(task);
	const to = placeOf(task);
	const message = new Uint8Array(task.size);
	const buffer = new Uint8Array(BUFFER_BYTES);
	const laps = new Laps(task);
	do {
		await socket.send(message, to);
		await socket.receive(buffer);
	} while (laps.lap());
	await socket.send(new Uint8Array(0), to);
	report(laps.figures());
}

async function receiveDatagrams(task) {
	const socket = Deno.listenDatagram(placeOf(task));
	announceAt(task, socket.addr);
	const window = new Window(task);
	const buffer = new Uint8Array(BUFFER_BYTES);
	for (;;) {
		const [data] = await socket.receive(buffer);
		if (data.length === 1) break;
		window.add(1);
	}
	report(window.figures());
}

async function sendDatagrams(task) {
	const socket = unconnected(task);
	const place = placeOf(task);
	const peers = Array.from({ length: task.peers ?? 1 }, (_, i) =>
		task.peers === undefined ? place : { ...place, hostname: peerHost(i) },
	);
	const message = new Uint8Array(task.size);
	const end = sendUntil(task, DATAGRAM_MARGIN_MS);
	let sent = 0;
	while (performance.now() < end) {
		for (let i = 0; i < BATCH; i++) await socket.send(message, peers[sent++ % peers.length]);
	}
	for (let i = 0; i < MARKERS; i++) {
		await new Promise((resolve) => setTimeout(resolve, 5));
		await socket.send(new Uint8Array(1), peers[0]).catch(() => {});
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
	"server datagrams": receiveDatagrams,
	"client datagrams": sendDatagrams,
});
