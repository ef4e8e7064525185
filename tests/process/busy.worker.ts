/** A thread with sockets in every state, to be terminated at any moment. */
import { parentPort } from "node:worker_threads";
import { connect, datagrams, type Listener, listen, type Stream, socketpair } from "socketry";
import { socket } from "socketry/socket";

const big = new Uint8Array(1024 * 1024);
const kept: unknown[] = [];

function forget(waiting: Promise<unknown>): void {
	waiting.catch(() => {});
}

async function echo(listener: Listener<Stream>): Promise<void> {
	for await (const stream of listener) {
		forget(
			(async () => {
				for await (const chunk of stream) await stream.write(chunk);
				await stream.close();
			})(),
		);
	}
}

/** A conversation that never ends, so that some call is under way at any moment. */
async function converse(stream: Stream): Promise<void> {
	for (;;) {
		await stream.write("ping");
		await stream.read();
	}
}

/** Connections that come and go. */
async function comeAndGo(listener: Listener<Stream>): Promise<void> {
	for (;;) {
		const stream = (await connect(listener.address)) as Stream;
		await stream.write("once");
		await stream.read();
		await stream.close();
	}
}

function pairs(): void {
	const [left, right] = socketpair();
	forget(left.read());
	forget(left.write(big));
	const [busy, other] = socketpair();
	busy.socket.busyPoll(1_000);
	forget(busy.read());
	void other.write("x");
	const [first, second] = socketpair("seqpacket");
	forget(first.receive());
	for (let i = 0; i < 500; i++) forget(first.send("packet"));
	kept.push(left, right, busy, other, first, second);
}

function fullQueue(): void {
	const server = socket("unix", "stream");
	server.bind({ family: "unix" });
	server.listen(0);
	const clients = Array.from({ length: 3 }, () => socket("unix", "stream"));
	for (const client of clients) forget(client.connect(server.getsockname()));
	kept.push(server, clients);
}

async function allAtOnce(): Promise<void> {
	pairs();
	fullQueue();
	const udp = await datagrams("udp://127.0.0.1:0");
	forget(udp.receive());
	const tcp = await listen("tcp://127.0.0.1:0", { busyPollUs: 500 });
	const unix = await listen({ transport: "unix" });
	forget(echo(tcp));
	forget(echo(unix));
	forget(converse((await connect(tcp.address)) as Stream));
	forget(converse((await connect(unix.address)) as Stream));
	forget(comeAndGo(tcp));
	kept.push(udp, tcp, unix);
}

// Not by an await of the module itself: V8 11 (Node 20) ends the process when a thread is terminated as it begins to run such a module.
void allAtOnce().then(() => parentPort?.postMessage("busy"));
