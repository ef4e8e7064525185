/** Hand-overs when something runs out, in other threads, and again and again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { type Listener, listen, type Stream } from "socketry";
import { fromNetSocket, fromServer, toDuplex, toNetServer, toNetSocket } from "socketry/node";
import { injectFaults } from "socketry/testing";
import { openResources } from "#src/testing/leaks.ts";
import { closed, TRANSPORTS } from "./sockets.ts";

/** Open sockets of this process. */
function openCount(): number {
	const targets = [...openResources().descriptors.values()];
	return targets.filter((target) => target.startsWith("socket:")).length;
}

for (const [name, makePair] of TRANSPORTS) {
	test(`a hundred hand-overs of one connection over ${name} keep one descriptor a side`, async () => {
		const [left, right] = await makePair();
		const before = openCount();
		let stream = left;
		for (let i = 0; i < 100; i++) {
			const socket = await toNetSocket(stream, { allowHalfOpen: true });
			socket.write(`${i},`);
			await right.write(`${i},`);
			stream = await fromNetSocket(socket);
			await closed(socket);
			assert.ok(openCount() <= before, `${openCount()} descriptors after ${i}, ${before} before`);
		}
		const expected = Array.from({ length: 100 }, (_, i) => `${i},`).join("");
		assert.equal(String(await right.readExactly(expected.length)), expected);
		assert.equal(String(await stream.readExactly(expected.length)), expected);
		assert.equal(stream.bytesRead, expected.length);
		await Promise.all([stream.close(), right.close()]);
	});

	test(`without a descriptor left a net.Socket of ${name} stays what it is`, async () => {
		const [left, right] = await makePair();
		const socket = await toNetSocket(left);
		await right.write("still here");
		const faults = injectFaults([{ call: "dup", fail: "EMFILE" }]);
		await assert.rejects(fromNetSocket(socket), { code: "EMFILE" });
		faults.restore();
		assert.equal(socket.destroyed, false);
		const stream = await fromNetSocket(socket);
		assert.equal(String(await stream.readExactly(10)), "still here");
		await Promise.all([stream.close(), right.close()]);
		await closed(socket);
	});

	test(`a failing write rejects toNetSocket() over ${name}, and the stream is still the caller's`, async () => {
		const [left, right] = await makePair();
		const faults = injectFaults([{ call: "send", fail: "ECONNRESET" }]);
		void left.write("lost");
		await assert.rejects(toNetSocket(left), { code: "ECONNRESET" });
		faults.restore();
		assert.equal(left.closed, false);
		left.abort();
		right.abort();
	});

	test(`short and failing calls below a duplex over ${name} lose nothing`, async () => {
		const [left, right] = await makePair();
		const [near, far] = [toDuplex(left), toDuplex(right)];
		const faults = injectFaults([
			{ call: "send", short: 7, nth: 1, times: 40 },
			{ call: "recv", short: 5, nth: 1, times: 40 },
			{ call: "send", fail: "EAGAIN", nth: 45 },
			{ call: "recv", fail: "EAGAIN", nth: 45 },
		]);
		const sent = "0123456789".repeat(2_000);
		near.end(sent);
		let received = "";
		far.setEncoding("utf8").on("data", (text) => {
			received += text;
		});
		await once(far, "end");
		faults.restore();
		assert.equal(received, sent);
		far.end();
		near.resume();
		await Promise.all([closed(near), closed(far)]);
	});
}

test("without a descriptor left a server goes on listening", async () => {
	const server = net.createServer((socket) => socket.end("served")).listen(0, "127.0.0.1");
	await once(server, "listening");
	const faults = injectFaults([{ call: "dup", fail: "EMFILE" }]);
	assert.throws(() => fromServer(server), { code: "EMFILE" });
	faults.restore();
	const client = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
	assert.equal(String((await once(client, "data"))[0]), "served");
	await closed(client);
	server.close();
	await once(server, "close");
});

test("clients that connect all the while are served by whoever has the listener", async () => {
	let served = 0;
	const answer = (socket: net.Socket): void => void socket.end(String(served++));
	const first = await listen("tcp://127.0.0.1:0");
	const { port } = first.address;
	let listener: Listener<Stream> = first;
	let isOver = false;
	const clients = Array.from({ length: 8 }, async () => {
		let count = 0;
		while (!isOver) {
			const client = net.connect(port, "127.0.0.1");
			await once(client, "data");
			await closed(client.destroy());
			count++;
		}
		return count;
	});
	for (let round = 0; round < 20; round++) {
		const server = toNetServer(listener, {}, answer);
		const until = served + 10;
		while (served < until) await once(server, "connection");
		listener = fromServer(server);
		for (let i = 0; i < 5; i++) {
			const stream = await listener.accept();
			await stream.write(String(served++));
			await stream.close();
		}
	}
	isOver = true;
	const server = toNetServer(listener, {}, answer);
	const counts = await Promise.all(clients);
	assert.ok(counts.every((count) => count > 0));
	server.close();
	await once(server, "close");
});

test("it works in a worker thread, which may end in the middle", async () => {
	const worker = new Worker(new URL("./hand-over.worker.js", import.meta.url));
	const [text] = await once(worker, "message");
	assert.equal(text, "in a worker");
	await worker.terminate();
});
