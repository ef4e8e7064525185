// The subject `node`: net and dgram of the Node that runs the benchmark.
import dgram from "node:dgram";
import net from "node:net";
import {
	DATAGRAM_MARGIN_MS,
	Laps,
	SENDER_MARGIN_MS,
	sendUntil,
	Weight,
	Window,
} from "./measure.mjs";
import { announce, peerHost, play, report } from "./task.mjs";

function listen(task, onConnection) {
	const server = net.createServer({ noDelay: true }, onConnection);
	const place = task.path ? { path: task.path } : { host: task.host, port: task.port };
	server.listen({ ...place, backlog: 4096 }, () => {
		announce(task.path ? task.address : `tcp://${task.host}:${server.address().port}`);
	});
}

function connect(task, options) {
	const place = task.path ? { path: task.path } : { host: task.host, port: task.port };
	return net.connect({ ...place, noDelay: true, ...options });
}

// Addresses are numbers already: spares dgram the detour through dns.lookup.
function numeric(host, _family, done) {
	done(null, host, 4);
}

function serveEcho(task) {
	if (task.scheme === "udp") return serveEchoDatagrams(task);
	listen(task, (socket) => {
		socket.on("data", (chunk) => socket.write(chunk));
		socket.on("end", () => process.exit(0));
	});
}

function serveEchoDatagrams(task) {
	const socket = dgram.createSocket({ type: "udp4", lookup: numeric });
	socket.on("message", (message, from) => {
		if (message.length === 0) process.exit(0);
		socket.send(message, from.port, from.address);
	});
	socket.bind(task.port, task.host, () => announce(`udp://${task.host}:${socket.address().port}`));
}

function pingpong(task) {
	if (task.scheme === "udp") return pingpongDatagrams(task);
	const message = Buffer.alloc(task.size);
	let received = 0;
	let laps;
	const onread = {
		buffer: Buffer.alloc(65536),
		callback(length) {
			received += length;
			if (received < task.size) return true;
			received = 0;
			if (laps.lap()) socket.write(message);
			else report(laps.figures());
			return true;
		},
	};
	const socket = connect(task, { onread });
	socket.on("connect", () => {
		laps = new Laps(task);
		socket.write(message);
	});
}

function pingpongDatagrams(task) {
	const message = Buffer.alloc(task.size);
	const socket = dgram.createSocket({ type: "udp4", lookup: numeric });
	let laps;
	socket.on("message", () => {
		if (laps.lap()) return socket.send(message);
		socket.send(Buffer.alloc(0), () => report(laps.figures()));
	});
	socket.connect(task.port, task.host, () => {
		laps = new Laps(task);
		socket.send(message);
	});
}

function drain(task) {
	listen(task, (socket) => {
		const window = new Window(task);
		socket.on("data", (chunk) => {
			window.add(chunk.length);
			if (window.done) report(window.figures());
		});
	});
}

function fill(task) {
	const socket = connect(task, { writableHighWaterMark: 1 << 20 });
	const message = Buffer.alloc(task.size);
	const end = sendUntil(task, SENDER_MARGIN_MS);
	const pump = () => {
		if (performance.now() > end) return socket.end();
		while (socket.write(message));
	};
	socket.on("drain", pump);
	socket.on("connect", pump);
	socket.on("error", () => process.exit(0));
	socket.on("close", () => process.exit(0));
}

function greet(task, onHeld) {
	const held = new Set();
	listen(task, (socket) => {
		held.add(socket);
		socket.on("data", () => {});
		socket.on("error", () => {});
		socket.on("close", () => {
			held.delete(socket);
			if (held.size === 0) process.exit(0);
		});
		socket.write("!");
		onHeld?.();
	});
}

function idle(task) {
	const weight = new Weight(task, globalThis.gc, report);
	greet(task, () => weight.add());
}

function receiveDatagrams(task) {
	const socket = dgram.createSocket({ type: "udp4", recvBufferSize: task.receiveBuffer });
	const window = new Window(task);
	socket.on("message", (message) => {
		if (message.length === 1) report(window.figures());
		else window.add(1);
	});
	socket.bind(task.port, task.host, () => announce(`udp://${task.host}:${socket.address().port}`));
}

// 64 datagrams are handed over at a time: libuv then sends them by one sendmmsg.
function sendDatagrams(task) {
	const socket = dgram.createSocket({ type: "udp4", lookup: numeric });
	const message = Buffer.alloc(task.size);
	const peers = Array.from({ length: task.peers ?? 1 }, (_, i) => peerHost(i));
	const send = peers.length === 1 ? (data, done) => socket.send(data, done) : sendToNext;
	let next = 0;
	function sendToNext(data, done) {
		socket.send(data, task.port, peers[next++ % peers.length], done);
	}
	const start = () => {
		const end = sendUntil(task, DATAGRAM_MARGIN_MS);
		let sent = 0;
		const batch = () => {
			if (performance.now() > end) return finish(sent);
			for (let i = 1; i < 64; i++) send(message);
			sent += 64;
			send(message, batch);
		};
		batch();
	};
	const finish = (sent) => {
		for (let i = 1; i <= 5; i++) setTimeout(send, 5 * i, Buffer.alloc(1));
		setTimeout(report, 30, { sent });
	};
	if (peers.length === 1) socket.connect(task.port, task.host, start);
	else socket.bind(0, start);
	socket.on("error", () => {});
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
