/**
 * Brings sockets into one state, says "ready", and does nothing more: whether the process ends now is what the test looks at. Arguments:
 * the state, and "ref" or "unref"; or "measure" to stay for a while and tell the processor time that takes.
 */
import { connect, datagrams, type Listener, listen, type Stream, socketpair } from "socketry";
import { socketpair as rawPair, Socket, socket } from "socketry/socket";
import { injectFaults } from "socketry/testing";
import { leastProcessorUs, until } from "../support/patience.ts";

interface Referable {
	ref(): unknown;
	unref(): unknown;
}

const [state = "", mode] = process.argv.slice(2);

/** The unref'd variant of a state calls it on everything that waits. */
function as<T extends Referable>(object: T): T {
	if (mode === "unref") object.unref();
	return object;
}

function forget(waiting: Promise<unknown>): void {
	waiting.catch((error: unknown) => {
		console.log(`failed: ${error}`);
	});
}

const big = new Uint8Array(8 * 1024 * 1024);

/** What must not be collected. */
const kept: unknown[] = [];

function keep<T>(...objects: T[]): T[] {
	kept.push(...objects);
	return objects;
}

async function iterate(source: AsyncIterable<unknown>): Promise<void> {
	for await (const each of source) kept.push(each);
}

async function tcpPair(): Promise<
	[client: Stream, server: Stream, listener: Listener<Stream<"tcp">>]
> {
	const listener = await listen("tcp://127.0.0.1:0");
	const [client, server] = await Promise.all([connect(listener.address), listener.accept()]);
	kept.push(listener, client, server);
	return [client as Stream, server, listener];
}

function pair(): [Stream, Stream] {
	return keep(...socketpair()) as [Stream, Stream];
}

/** Connections that wait in the queue of a listening TCP socket, which is what tcp(7) calls `tcpi_unacked` there. */
function waitingCount(listener: Socket): number {
	return (listener.getOption("TCP_INFO") as { unacked: number }).unacked;
}

/** A listening socket whose queue takes nobody more. */
async function fullListener(family: "unix" | "inet"): Promise<Socket> {
	const listener = socket(family, "stream");
	if (family === "unix") listener.bind({ family: "unix" });
	else listener.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	listener.listen(0);
	for (let i = 0; i < 4; i++) {
		const client = socket(family, "stream");
		client.tryConnect(listener.getsockname());
		keep(client);
		// The kernel may be late: the queue is full when the first one is in it.
		if (i === 0 && family === "inet") await until(() => waitingCount(listener) > 0);
	}
	keep(listener);
	return listener;
}

const WAITING: Readonly<Record<string, () => unknown>> = {
	"stream read": () => forget(as(pair()[0]).read()),
	"stream readInto": () => forget(as(pair()[0]).readInto(new Uint8Array(8))),
	"stream readExactly": () => forget(as(pair()[0]).readExactly(8)),
	"stream readUntil": () => forget(as(pair()[0]).readUntil("\n")),
	"stream for await": () => forget(iterate(as(pair()[0]))),
	"stream blocked write": () => forget(as(pair()[0]).write(big)),
	"stream blocked flush": () => {
		const [left] = pair();
		forget(left.write(big));
		forget(as(left).flush());
	},
	"stream close with bytes queued": () => {
		const [left] = pair();
		forget(left.write(big));
		forget(as(left).close());
	},
	"tcp read": async () => forget(as((await tcpPair())[0]).read()),
	"tcp blocked write": async () => forget(as((await tcpPair())[1]).write(big)),
	"read after the peer's unread write was taken": async () => {
		const [left, right] = pair();
		await right.write("taken");
		await left.read();
		forget(as(left).read());
	},
	"read with busy polling": () => {
		const [left] = pair();
		left.socket.busyPoll(1_000);
		forget(as(left).read());
	},
	"packets receive": () => {
		const packets = socketpair("seqpacket");
		keep(...packets);
		forget(as(packets[0]).receive());
	},
	"packets blocked send": () => {
		const packets = socketpair("seqpacket");
		keep(...packets);
		as(packets[0]);
		for (let i = 0; i < 2_000; i++) forget(packets[0].send("packet"));
	},
	"udp receive": async () => {
		const socket = await datagrams("udp://127.0.0.1:0");
		keep(socket);
		forget(as(socket).receive());
	},
	"unix datagrams for await": async () => {
		const socket = await datagrams({ transport: "unix-dgram" });
		keep(socket);
		forget(iterate(as(socket)));
	},
	"unix datagrams blocked send": async () => {
		const receiver = await datagrams({ transport: "unix-dgram" });
		const sender = await datagrams(undefined, { connect: receiver.address });
		keep(receiver, sender);
		as(sender);
		for (let i = 0; i < 2_000; i++) forget(sender.send("datagram"));
	},
	"unix datagrams blocked send, unconnected": async () => {
		const receiver = await datagrams({ transport: "unix-dgram" });
		const sender = await datagrams({ transport: "unix-dgram" });
		keep(receiver, sender);
		as(sender);
		for (let i = 0; i < 2_000; i++) forget(sender.send("datagram", receiver.address));
	},
	"tcp accept": async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		keep(listener);
		forget(as(listener).accept());
	},
	"unix accept, for await": async () => {
		const listener = await listen({ transport: "unix" });
		keep(listener);
		forget(iterate(as(listener)));
	},
	"seqpacket accept": async () => {
		const listener = await listen({ transport: "unix-seqpacket" });
		keep(listener);
		forget(as(listener).accept());
	},
	"accept with a signal and a time limit": async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		keep(listener);
		forget(as(listener).accept({ signal: new AbortController().signal, timeoutMs: 60_000 }));
	},
	"read with a time limit": () => forget(as(pair()[0]).read({ timeoutMs: 60_000 })),
	"tcp connect that gets no answer": async () => {
		const to = (await fullListener("inet")).getsockname() as { port: number };
		forget(connect(`tcp://127.0.0.1:${to.port}`, { prepare: (opened) => as(opened) }));
	},
	"unix connect to a full queue": async () => {
		const to = (await fullListener("unix")).getsockname();
		forget(as(keep(socket("unix", "stream"))[0] as Socket).connect(to));
	},
	"unix connect to a full queue with a time limit": async () => {
		const to = (await fullListener("unix")).getsockname();
		const client = as(keep(socket("unix", "stream"))[0] as Socket);
		forget(client.connect(to, { timeoutMs: 60_000 }));
	},
	"socket recv": () => forget(as(keep(...rawPair())[0] as Socket).recv(new Uint8Array(1))),
	"socket read": () => forget(as(keep(...rawPair())[0] as Socket).read(new Uint8Array(1))),
	"socket send": () => {
		const [left] = keep(...rawPair()) as [Socket, Socket];
		while (left.trySend(big) !== undefined);
		forget(as(left).send(big));
	},
	"socket accept": async () => {
		const listener = socket("inet", "stream");
		listener.listen();
		keep(listener);
		forget(as(listener).accept());
	},
	"one of two waits is over": async () => {
		const [left] = pair();
		const [other, peer] = pair();
		forget(as(left).read());
		void peer.write("x");
		await other.read();
	},
	"after ref, unref, ref": () => {
		const [left] = pair();
		forget(left.read());
		left.unref().unref().ref().ref();
		as(left);
	},
	"one of a stream's two waits": () => {
		const [left] = pair();
		forget(left.write(big));
		const stop = new AbortController();
		left.read({ signal: stop.signal }).catch(() => {});
		stop.abort();
		as(left);
	},
};

/** Leaves nobody waiting. */
const IDLE: Readonly<Record<string, () => unknown>> = {
	"open listener": async () => keep(await listen("tcp://127.0.0.1:0")),
	"open stream": () => pair(),
	"open tcp connection": async () => await tcpPair(),
	"open packets": () => keep(...socketpair("seqpacket")),
	"open datagrams": async () => keep(await datagrams()),
	"open socket": () => keep(socket("inet6", "dgram")),
	"open stream, with unread bytes": async () => {
		const [left, right] = pair();
		await right.write("first");
		await left.read();
		await right.write("second");
	},
	"open stream, after a read": async () => {
		const [left, right] = pair();
		const reading = left.read();
		await right.write("x");
		await reading;
	},
	"listener, after an accept": async () => await tcpPair(),
	"listener that busy-polls": async () =>
		keep(await listen("tcp://127.0.0.1:0", { busyPollUs: 100_000 })),
	"stream that busy-polls": async () => {
		const [left, right] = pair();
		left.socket.busyPoll(1_000_000);
		const reading = left.read();
		await right.write("x");
		await reading;
	},
	"after an aborted read": async () => {
		const [left] = pair();
		const stop = new AbortController();
		const reading = left.read({ signal: stop.signal }).catch(() => {});
		setImmediate(() => stop.abort());
		await reading;
	},
	"after a read whose time was up": async () => {
		await pair()[0]
			.read({ timeoutMs: 1 })
			.catch(() => {});
	},
	"after an aborted accept": async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		keep(listener);
		await listener.accept({ timeoutMs: 1 }).catch(() => {});
	},
	"after an abort while all was pending": async () => {
		const [left] = pair();
		const all = [left.read(), left.write(big), left.flush()];
		left.abort();
		await Promise.allSettled(all);
	},
	"after a close while all was pending": async () => {
		const [left, right] = pair();
		const all = [left.read(), left.write(big)];
		const closing = Promise.allSettled([...all, left.close()]);
		for await (const chunk of right) void chunk;
		await closing;
	},
	"after a socket was detached while a call was pending": async () => {
		const [left] = keep(...rawPair()) as [Socket, Socket];
		const receiving = left.recv(new Uint8Array(1)).catch(() => {});
		keep(Socket.fromFd(left.detachFd()));
		await receiving;
	},
	"after a connect that was refused": async () => {
		const to = (await fullListener("inet")).getsockname() as { port: number };
		(kept.pop() as Socket).close();
		await connect(`tcp://127.0.0.1:${to.port}`).catch(() => {});
	},
	"after a connect whose time was up": async () => {
		const to = (await fullListener("inet")).getsockname() as { port: number };
		await connect(`tcp://127.0.0.1:${to.port}`, { timeoutMs: 20 }).catch(() => {});
	},
	"after a thousand waits in random order": async () => {
		const streams = Array.from({ length: 20 }, pair);
		const reading = new Map<Stream, Promise<unknown>>();
		let random = 1;
		for (let i = 0; i < 1_000; i++) {
			random = (random * 48_271) % 2_147_483_647;
			const [left, right] = streams[random % streams.length] as [Stream, Stream];
			const pending = reading.get(left);
			if (pending === undefined) reading.set(left, left.read());
			else {
				if (random % 3 === 0) left.unref();
				await right.write("x");
				if (random % 5 !== 0) await pending;
				else await Promise.all([pending, left.flush()]);
				left.ref();
				reading.delete(left);
			}
		}
		for (const [left, right] of streams) {
			await right.write("x");
			await reading.get(left);
		}
	},
};

/** Somebody waits although part of the conversation is over, or nobody does and the kernel would have something to tell. */
const HALF_OVER: Readonly<Record<string, () => unknown>> = {
	"the peer has ended, a write is blocked": async () => {
		const [left, right] = pair();
		await right.closeWrite();
		await left.read();
		forget(left.write(big));
	},
	"the peer has ended, a write is blocked (tcp)": async () => {
		const [client, server] = await tcpPair();
		await server.closeWrite();
		await client.read();
		forget(client.write(big));
	},
	"the peer has ended, a send is blocked (seqpacket)": async () => {
		const [left, right] = socketpair("seqpacket");
		keep(left, right);
		await right.closeWrite();
		await left.receive();
		for (let i = 0; i < 2_000; i++) forget(left.send("packet"));
	},
	"we have ended, a read waits": async () => {
		const [client] = await tcpPair();
		await client.closeWrite();
		forget(client.read());
	},
	"a read waits and a write is blocked": () => {
		const [left] = pair();
		forget(left.read());
		forget(left.write(big));
	},
	"the peer has ended, nobody reads": async () => {
		const [left, right] = pair();
		forget(left.read({ timeoutMs: 1 }).catch(() => {}));
		await new Promise((resolve) => setTimeout(resolve, 5));
		await right.closeWrite();
		await right.write("never").catch(() => {});
	},
	"the peer is gone, nobody reads or writes": async () => {
		const [client, server] = await tcpPair();
		forget(client.read({ timeoutMs: 1 }).catch(() => {}));
		await new Promise((resolve) => setTimeout(resolve, 5));
		await client.write("unread");
		server.abort();
	},
	"clients are queued, nobody accepts": async () => {
		const [, , listener] = await tcpPair();
		const to = listener.address;
		for (let i = 0; i < 5; i++) keep(await connect(`tcp://127.0.0.1:${to.port}`));
	},
	"bytes are there, nobody reads": async () => {
		const [client, server] = await tcpPair();
		await server.write("first");
		await client.read();
		await server.write("second");
	},
	"nobody answers at the port, a receive waits": async () => {
		const gone = await datagrams("udp://127.0.0.1:0");
		await gone.close();
		const socket = await datagrams(undefined, { connect: gone.address });
		keep(socket);
		await socket.send("x").catch(() => {});
		await socket.receive({ timeoutMs: 20 }).catch(() => {});
		forget(socket.receive());
	},
	"there are no descriptors, an accept waits and a client too": async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		keep(listener);
		injectFaults([{ call: "accept4", fail: "EMFILE", times: Number.POSITIVE_INFINITY }]);
		forget(listener.accept());
		const to = listener.address;
		keep(await connect(`tcp://127.0.0.1:${to.port}`));
	},
	"a conversation is over": async () => {
		const [left, right] = pair();
		for (let i = 0; i < 2_000; i++) {
			void left.write("ping");
			void right.write(await right.readExactly(4));
			await left.readExactly(4);
		}
		forget(left.read());
	},
};

await (WAITING[state] ?? IDLE[state] ?? HALF_OVER[state])?.();
if (state === "list") {
	console.log(JSON.stringify([WAITING, IDLE, HALF_OVER].map((each) => Object.keys(each))));
} else if (mode === "measure") {
	// What lingers after the last event is none of this.
	await new Promise((resolve) => setTimeout(resolve, 50));
	const used = await leastProcessorUs(300, 30_000);
	console.log(`${used / 1_000} ms`);
	process.exit();
} else console.log("ready");
