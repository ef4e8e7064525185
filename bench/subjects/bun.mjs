// The subject `bun`: Bun.listen, Bun.connect and Bun.udpSocket.
import {
	DATAGRAM_MARGIN_MS,
	Laps,
	SENDER_MARGIN_MS,
	sendUntil,
	Weight,
	Window,
} from "./measure.mjs";
import { announce, peerHost, play, report } from "./task.mjs";

function place(task) {
	return task.path ? { unix: task.path } : { hostname: task.host, port: task.port };
}

function listen(task, socket) {
	const server = Bun.listen({ ...place(task), socket });
	announce(task.path ? task.address : `tcp://${task.host}:${server.port}`);
}

function bindDatagrams(task, data) {
	return Bun.udpSocket({ hostname: task.host, port: task.port, socket: { data } });
}

async function serveEcho(task) {
	if (task.scheme !== "udp") {
		return listen(task, {
			data: (socket, chunk) => void socket.write(chunk),
			close: () => process.exit(0),
		});
	}
	const socket = await bindDatagrams(task, (self, message, port, address) => {
		if (message.length === 0) process.exit(0);
		self.send(message, port, address);
	});
	announce(`udp://${task.host}:${socket.port}`);
}

async function pingpong(task) {
	const message = Buffer.alloc(task.size);
	if (task.scheme === "udp") return pingpongDatagrams(task, message);
	let received = 0;
	let laps;
	await Bun.connect({
		...place(task),
		socket: {
			open(socket) {
				laps = new Laps(task);
				socket.write(message);
			},
			data(socket, chunk) {
				received += chunk.length;
				if (received < task.size) return;
				received = 0;
				if (laps.lap()) socket.write(message);
				else report(laps.figures());
			},
		},
	});
}

async function pingpongDatagrams(task, message) {
	let laps;
	const socket = await Bun.udpSocket({
		connect: { hostname: task.host, port: task.port },
		socket: {
			data(self) {
				if (laps.lap()) return void self.send(message);
				self.send(Buffer.alloc(0));
				report(laps.figures());
			},
		},
	});
	laps = new Laps(task);
	socket.send(message);
}

function drain(task) {
	const window = new Window(task);
	listen(task, {
		data(_socket, chunk) {
			window.add(chunk.length);
			if (window.done) report(window.figures());
		},
	});
}

async function fill(task) {
	const message = Buffer.alloc(task.size);
	const end = sendUntil(task, SENDER_MARGIN_MS);
	let rest = message;
	const pump = (socket) => {
		if (performance.now() > end) return socket.end();
		for (;;) {
			const written = socket.write(rest);
			if (written < 0) return;
			if (written < rest.length) {
				rest = rest.subarray(written);
				return;
			}
			rest = message;
		}
	};
	const leave = () => process.exit(0);
	const socket = { open: pump, drain: pump, data() {}, close: leave, error: leave };
	await Bun.connect({ ...place(task), socket });
}

function greet(task, onHeld) {
	let held = 0;
	listen(task, {
		open(socket) {
			held++;
			socket.write("!");
			onHeld?.();
		},
		data() {},
		error() {},
		close() {
			if (--held === 0) process.exit(0);
		},
	});
}

function idle(task) {
	const weight = new Weight(task, () => Bun.gc(true), report);
	greet(task, () => weight.add());
}

async function receiveDatagrams(task) {
	const window = new Window(task);
	const socket = await bindDatagrams(task, (_self, message) => {
		if (message.length === 1) report(window.figures());
		else window.add(1);
	});
	announce(`udp://${task.host}:${socket.port}`);
}

async function sendDatagrams(task) {
	const message = Buffer.alloc(task.size);
	const peers = task.peers ?? 1;
	let wake = () => {};
	const socket = await Bun.udpSocket({
		connect: peers === 1 ? { hostname: task.host, port: task.port } : undefined,
		socket: { drain: () => wake(), error() {} },
	});
	const batches = peers === 1 ? [new Array(64).fill(message)] : addressed(task, message, peers);
	const end = sendUntil(task, DATAGRAM_MARGIN_MS);
	let sent = 0;
	for (let i = 0; performance.now() < end; i++) {
		const count = socket.sendMany(batches[i % batches.length]);
		sent += count;
		if (count < 64) {
			await new Promise((resolve) => {
				wake = resolve;
				setTimeout(resolve, 5);
			});
		}
	}
	const last = Buffer.alloc(1);
	for (let i = 0; i < 5; i++) {
		await Bun.sleep(5);
		if (peers === 1) socket.send(last);
		else socket.send(last, task.port, "127.0.0.1");
	}
	report({ sent });
}

// Batches of 64 that go round all the peers.
function addressed(task, message, peers) {
	const batches = [];
	for (let first = 0; first < peers; first += 64) {
		const batch = [];
		for (let i = first; i < first + 64; i++) {
			batch.push(message, task.port, peerHost(i % peers));
		}
		batches.push(batch);
	}
	return batches;
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
