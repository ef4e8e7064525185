import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import tls from "node:tls";
import {
	AbortError,
	BusyError,
	ClosedError,
	InvalidValueError,
	TimeoutError,
	UnsupportedError,
} from "socketry";
import { fromNetSocket } from "socketry/node";
import { sys } from "socketry/sys";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { withSocketPath } from "../support/pairs.ts";
import { bytesOf, closed, readAll } from "./sockets.ts";

const ENOTCONN = -107;

type Pair = [left: net.Socket, right: net.Socket];

/** Two ends that Node has made, and half-open ones, as a peer that knows both ends has them. */
async function netPair(path?: string): Promise<Pair> {
	const server = net.createServer({ allowHalfOpen: true });
	server.listen(path ?? { port: 0, host: "127.0.0.1" });
	await once(server, "listening");
	const place = path
		? { path }
		: { port: (server.address() as AddressInfo).port, host: "127.0.0.1" };
	const left = net.connect({ ...place, allowHalfOpen: true });
	const [[right]] = await Promise.all([once(server, "connection"), once(left, "connect")]);
	server.close();
	return [left, right];
}

const KINDS: readonly [
	name: string,
	withPair: (body: (pair: Pair) => Promise<void>) => Promise<void>,
][] = [
	["TCP", async (body) => body(await netPair())],
	["Unix", (body) => withSocketPath(async (path) => body(await netPair(path)))],
];

for (const [name, withPair] of KINDS) {
	describe(`fromNetSocket() over ${name}`, () => {
		test("bytes in Node's buffer come first, then those in the kernel, and the peer notices nothing", () =>
			withPair(async ([left, right]) => {
				right.write("one");
				await once(left, "readable");
				right.write("two");
				const stream = await fromNetSocket(left);
				assert.equal(left.destroyed, true);
				right.write("three");
				assert.equal(String(await stream.readExactly(11)), "onetwothree");
				assert.equal(stream.bytesRead, 11);
				await stream.write("answer");
				const [answer] = await once(right, "data");
				assert.equal(String(answer), "answer");
				right.end();
				assert.equal(await stream.read(), null);
				await stream.close();
				await closed(right);
			}));

		test("the bytes that somebody else had read are put before all", () =>
			withPair(async ([left, right]) => {
				const head = Buffer.from("zero");
				right.write("one");
				await once(left, "readable");
				const stream = await fromNetSocket(left, { head });
				head.fill(0);
				assert.equal(String(await stream.readExactly(7)), "zeroone");
				stream.abort();
				await closed(right.destroy());
			}));

		test("writes that Node still has go out first", () =>
			withPair(async ([left, right]) => {
				const large = bytesOf(5_000_000);
				left.cork();
				left.write(large);
				left.write("middle");
				const received: Buffer[] = [];
				right.on("data", (chunk) => received.push(chunk));
				const stream = await fromNetSocket(left);
				await stream.write("last");
				await stream.closeWrite();
				await once(right, "end");
				const all = Buffer.concat(received);
				assert.deepEqual(all.subarray(0, large.length), large);
				assert.equal(String(all.subarray(large.length)), "middlelast");
				right.end();
				await stream.close();
				await closed(right);
			}));

		test("a socket that has ended writing is a stream that has", () =>
			withPair(async ([left, right]) => {
				left.end("bye");
				const stream = await fromNetSocket(left);
				await assert.rejects(stream.write("more"), ClosedError);
				right.end("answer");
				assert.equal(String(await stream.read()), "answer");
				right.resume();
				await stream.close();
				await closed(right);
			}));

		test("a socket that flows has its flow ended", () =>
			withPair(async ([left, right]) => {
				const seen: Buffer[] = [];
				left.on("data", (chunk) => seen.push(chunk));
				right.write("old");
				await once(left, "data");
				const stream = await fromNetSocket(left);
				right.write("new");
				assert.equal(String(await stream.read()), "new");
				assert.equal(String(Buffer.concat(seen)), "old");
				stream.abort();
				await closed(right.destroy());
			}));

		test("an unreferenced socket is an unreferenced stream", () =>
			withPair(async ([left, right]) => {
				left.unref();
				const stream = await fromNetSocket(left);
				const { descriptor } = stream.socket as unknown as { descriptor: { referenced: boolean } };
				assert.equal(descriptor.referenced, false);
				stream.abort();
				await closed(right.destroy());
			}));

		test("a time limit and a signal leave the socket as it is", () =>
			withPair(async ([left, right]) => {
				const large = bytesOf(20_000_000);
				left.write(large);
				await assert.rejects(fromNetSocket(left, { timeoutMs: 1 }), TimeoutError);
				const stop = new AbortController();
				const taken = fromNetSocket(left, { signal: stop.signal });
				stop.abort();
				await assert.rejects(taken, AbortError);
				assert.equal(left.destroyed, false);
				let received = 0;
				right.on("data", (chunk) => {
					received += chunk.length;
				});
				const stream = await fromNetSocket(left);
				await stream.closeWrite();
				await once(right, "end");
				assert.equal(received, large.length);
				right.end();
				await stream.close();
				await closed(right);
			}));

		test("a destroyed socket is refused", () =>
			withPair(async ([left, right]) => {
				left.destroy();
				await assert.rejects(fromNetSocket(left), ClosedError);
				await closed(right.destroy());
			}));

		test("a socket with an encoding is refused, and reads on", () =>
			withPair(async ([left, right]) => {
				left.setEncoding("utf8");
				await assert.rejects(fromNetSocket(left), InvalidValueError);
				right.write("text");
				const [text] = await once(left, "data");
				assert.equal(text, "text");
				left.destroy();
				await closed(right.destroy());
			}));
	});
}

test("a socket that still connects is waited for", async () => {
	const server = net.createServer((peer) => peer.end("hello"));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const stream = await fromNetSocket(net.connect(port, "127.0.0.1"));
	assert.equal(String(await stream.readExactly(5)), "hello");
	await stream.close();
	server.close();
	await once(server, "close");
	using refusing = refusingTcpPort();
	const refused = net.connect(refusing.port, "127.0.0.1");
	await assert.rejects(fromNetSocket(refused), { code: "ECONNREFUSED" });
	await closed(refused);
});

test("a socket that was never connected is refused", async () => {
	await assert.rejects(fromNetSocket(new net.Socket()), ClosedError);
});

test("a socket whose peer has reset it meanwhile is refused, and stays its owner's", async () => {
	const [left, right] = await netPair();
	const { getpeername } = sys;
	sys.getpeername = () => ENOTCONN;
	try {
		await assert.rejects(fromNetSocket(left), { code: "ENOTCONN" });
	} finally {
		sys.getpeername = getpeername;
	}
	assert.equal(left.destroyed, false);
	right.end("still here");
	assert.equal((await readAll(left)).toString(), "still here");
	left.end();
	right.resume();
	await Promise.all([closed(left), closed(right)]);
});

test("a TLS socket is refused", async () => {
	const [left, right] = await netPair();
	const secure = tls.connect({ socket: left, rejectUnauthorized: false });
	secure.on("error", () => undefined);
	await assert.rejects(fromNetSocket(secure), UnsupportedError);
	secure.destroy();
	await closed(right.destroy());
});

test("a request's socket is refused until Node gives it up by an upgrade, whose head is not lost", async () => {
	const server = http.createServer(({ socket }, response) => {
		fromNetSocket(socket).catch((error) => response.end(String(error instanceof BusyError)));
	});
	const welcome = async (socket: net.Socket, head: Buffer): Promise<string> => {
		const stream = await fromNetSocket(socket, { head });
		await stream.write("HTTP/1.1 101 Switching Protocols\r\n\r\nwelcome");
		const text = String(await stream.readExactly(8));
		await stream.close();
		return text;
	};
	const upgraded = new Promise<string>((resolve) => {
		server.on("upgrade", (_request, socket, head) => {
			resolve(welcome(socket as net.Socket, head));
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
	assert.equal(await answer.text(), "true");
	const client = net.connect(port, "127.0.0.1");
	client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhead");
	await once(client, "data");
	client.write("tail");
	assert.equal(await upgraded, "headtail");
	await closed(client);
	server.close();
	await once(server, "close");
});
