// The subject `socketry-sync`: Socket's blocking calls, one thread, as c-blocking.
import { socket } from "socketry/socket";
import { IPPROTO_TCP, TCP_NODELAY } from "socketry/sys";
import { Laps, SENDER_MARGIN_MS, sendUntil, Window } from "./measure.mjs";
import { announce, play, report } from "./task.mjs";

const TYPES = {
	tcp: "stream",
	udp: "dgram",
	unix: "stream",
	"unix-dgram": "dgram",
	"unix-seqpacket": "seqpacket",
};
const BUFFER_BYTES = 65536;

function sockaddr(task) {
	if (task.path !== undefined) return { family: "unix", path: task.path };
	return { family: "inet", host: task.host, port: task.port };
}

function make(task) {
	return noDelay(task, socket(task.path === undefined ? "inet" : "unix", TYPES[task.scheme]));
}

function noDelay(task, made) {
	if (task.scheme === "tcp") {
		made.setsockopt(IPPROTO_TCP, TCP_NODELAY, new Uint8Array(Int32Array.of(1).buffer));
	}
	return made;
}

function serve(task) {
	const server = make(task);
	server.bind(sockaddr(task));
	if (TYPES[task.scheme] !== "dgram") server.listen(4096);
	const { port } = server.getsockname();
	announce(port === undefined ? task.address : `${task.scheme}://${task.host}:${port}`);
	return server;
}

function dial(task) {
	const client = make(task);
	if (task.scheme === "unix-dgram") client.bind({ family: "unix", path: `${task.path}.client` });
	client.connectSync(sockaddr(task));
	return client;
}

// A reset by the receiver, whose window has closed, ends the sender.
function sendAll(peer, data) {
	for (let sent = 0; sent < data.length; ) {
		sent += peer.sendSync(sent === 0 ? data : data.subarray(sent));
	}
}

function serveEcho(task) {
	const server = serve(task);
	const buffer = new Uint8Array(BUFFER_BYTES);
	if (TYPES[task.scheme] === "dgram") return echoDatagrams(server, buffer);
	const peer = noDelay(task, server.acceptSync());
	for (let n = peer.recvSync(buffer); n > 0; n = peer.recvSync(buffer)) {
		sendAll(peer, buffer.subarray(0, n));
	}
}

function echoDatagrams(server, buffer) {
	for (;;) {
		const { bytes, from } = server.recvfromSync(buffer);
		if (bytes === 0) return;
		server.sendtoSync(buffer.subarray(0, bytes), from);
	}
}

function pingpong(task) {
	const peer = dial(task);
	const message = new Uint8Array(task.size);
	const buffer = new Uint8Array(BUFFER_BYTES);
	const laps = new Laps(task);
	do {
		sendAll(peer, message);
		for (let received = 0; received < task.size; ) received += peer.recvSync(buffer);
	} while (laps.lap());
	if (TYPES[task.scheme] === "dgram") peer.sendSync(new Uint8Array(0));
	report(laps.figures());
}

function drain(task) {
	const peer = serve(task).acceptSync();
	const buffer = new Uint8Array(BUFFER_BYTES);
	const window = new Window(task);
	while (!window.done) {
		const n = peer.recvSync(buffer);
		if (n === 0) break;
		window.add(n);
	}
	report(window.figures());
}

function fill(task) {
	const peer = dial(task);
	const message = new Uint8Array(task.size);
	const end = sendUntil(task, SENDER_MARGIN_MS);
	try {
		while (performance.now() < end) {
			for (let bytes = 0; bytes < BUFFER_BYTES; bytes += task.size) sendAll(peer, message);
		}
	} catch (error) {
		if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
	}
}

function greet(task) {
	const server = serve(task);
	const greeting = Buffer.from("!");
	const held = [];
	for (let i = 0; i < task.connections; i++) {
		const peer = noDelay(task, server.acceptSync());
		peer.sendSync(greeting);
		held.push(peer);
	}
	held.at(-1).recvSync(new Uint8Array(1));
}

await play({
	"server pingpong": serveEcho,
	"client pingpong": pingpong,
	"server bulk": drain,
	"client bulk": fill,
	"server smallwrites": drain,
	"client smallwrites": fill,
	"server accept": greet,
});
