import assert from "node:assert/strict";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { connect, InvalidAddressError, listen } from "socketry";
import { connectDuplex } from "socketry/node";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { abstractName, withSocketPath } from "../support/pairs.ts";
import { closed, readAll } from "./sockets.ts";

describe("connectDuplex()", () => {
	test("is a duplex at once, tells when it is connected, and keeps what was written meanwhile", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const duplex = connectDuplex(listener.address, { noDelay: false });
		assert.equal(duplex.connecting, true);
		assert.equal(duplex.pending, true);
		assert.equal(duplex.readyState, "opening");
		duplex.setNoDelay().setKeepAlive(true).setTimeout(0);
		duplex.write("early");
		const events: string[] = [];
		for (const event of ["connect", "ready"]) duplex.on(event, () => events.push(event));
		const accepted = await listener.accept();
		assert.equal(String(await accepted.readExactly(5)), "early");
		assert.equal(duplex.connecting, false);
		assert.deepEqual(events, ["connect", "ready"]);
		assert.equal(duplex.remotePort, listener.address.port);
		await accepted.close();
		await readAll(duplex);
		await closed(duplex);
		listener.close();
	});

	test("bytes and the end of a server that speaks first come after the turn of the loop in which it connected", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const serving = (async () => {
			const stream = await listener.accept();
			await stream.write("hello");
			await stream.close();
		})();
		const duplex = connectDuplex(listener.address);
		const order: string[] = [];
		// Whoever listens from the beginning has it read from the beginning.
		duplex.on("data", () => order.push("data"));
		duplex.once("end", () => order.push("end"));
		duplex.once("connect", () => {
			order.push("connect");
			void Promise.resolve().then(() => process.nextTick(() => order.push("what follows")));
		});
		await Promise.all([once(duplex, "close"), serving]);
		assert.deepEqual(order, ["connect", "what follows", "data", "end"]);
	});

	test("switches that were set before are in force after", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const duplex = connectDuplex(listener.address, { noDelay: false });
		duplex.setNoDelay(true).setKeepAlive(true, 9_000).unref();
		const accepted = await listener.accept();
		if (duplex.connecting) await once(duplex, "connect");
		const { stream } = duplex;
		assert.ok(stream !== undefined);
		assert.equal(stream.socket.getOption("TCP_NODELAY"), true);
		assert.equal(stream.socket.getOption("SO_KEEPALIVE"), true);
		assert.equal(stream.socket.getOption("TCP_KEEPIDLE"), 9);
		duplex.destroy();
		await closed(duplex);
		await accepted.close();
		listener.close();
	});

	test("a refused connection is an error with Node's properties", async () => {
		using refusing = refusingTcpPort();
		const { port } = refusing;
		const duplex = connectDuplex(`tcp://127.0.0.1:${port}`);
		duplex.write("never", (error) => assert.ok(error));
		const [error] = await once(duplex, "error");
		assert.equal(error.code, "ECONNREFUSED");
		assert.equal(error.syscall, "connect");
		assert.equal(error.port, port);
		await closed(duplex);
		assert.equal(duplex.connecting, false);
	});

	test("destroy() ends connecting, without an error of its own", async () => {
		const address = `unix:${abstractName()}` as const;
		const listener = await listen(address, { backlog: 0 });
		const first = await connect(address);
		// The queue is full: this one waits.
		const duplex = connectDuplex(address);
		await new Promise((resolve) => setImmediate(resolve));
		duplex.destroy();
		await closed(duplex);
		assert.equal(duplex.errored, null);
		const other = connectDuplex(address);
		other.destroy(new Error("not needed"));
		const [error] = await once(other, "error");
		assert.equal(error.message, "not needed");
		await closed(other);
		await first.close();
		listener.close();
	});

	test("a time limit and a signal are errors", async () => {
		const address = `unix:${abstractName()}` as const;
		const listener = await listen(address, { backlog: 0 });
		const first = await connect(address);
		const late = connectDuplex(address, { timeoutMs: 5 });
		assert.equal((await once(late, "error"))[0].code, "ERR_TIMEOUT");
		const stop = new AbortController();
		const stopped = connectDuplex(address, { signal: stop.signal });
		stop.abort();
		assert.equal((await once(stopped, "error"))[0].name, "AbortError");
		await Promise.all([closed(late), closed(stopped)]);
		await first.close();
		listener.close();
	});

	test("without an address it connects to what connect() is told, as a net.Socket", async () => {
		const server = net.createServer((socket) => socket.end("there"));
		// At every address: "localhost" may be ::1 too, where somebody else could have the port.
		server.listen(0);
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		let connects = 0;
		const given = [
			connectDuplex().connect(port, "127.0.0.1", () => connects++),
			connectDuplex().connect(String(port), "127.0.0.1", () => connects++),
			connectDuplex().connect({ port, host: "127.0.0.1" }, () => connects++),
			connectDuplex().connect(port, () => connects++),
		];
		for (const duplex of given) assert.equal(String(await readAll(duplex)), "there");
		assert.equal(connects, 4);
		await Promise.all(given.map(closed));
		server.close();
		await withSocketPath(async (path) => {
			const unix = net.createServer((socket) => socket.end("here")).listen(path);
			await once(unix, "listening");
			const paths = [connectDuplex().connect(path), connectDuplex().connect({ path })];
			for (const duplex of paths) assert.equal(String(await readAll(duplex)), "here");
			await Promise.all(paths.map(closed));
			unix.close();
			await once(unix, "close");
		});
	});

	test("a name that is none, told by connect(), is an error and no exception, as of a net.Socket", async () => {
		const duplex = connectDuplex().connect({ host: "mqtt://nowhere:1", port: 2 });
		const [error] = await once(duplex, "error");
		assert.equal(error.code, "ERR_INVALID_ADDRESS");
		await closed(duplex);
	});

	test("one that was never told where is destroyed like any other", async () => {
		const now = connectDuplex();
		now.destroy();
		await closed(now);
		const later = connectDuplex();
		await new Promise((resolve) => setImmediate(resolve));
		later.destroy().destroy();
		await closed(later);
	});

	test("an address that is none is refused at once, one of messages as an error", async () => {
		assert.throws(() => connectDuplex("nonsense"), InvalidAddressError);
		await withSocketPath(async (path) => {
			const listener = await listen(`unix-seqpacket:${path}`);
			const duplex = connectDuplex(`unix-seqpacket:${path}`);
			const [error] = await once(duplex, "error");
			assert.equal(error.code, "ERR_INVALID_ADDRESS");
			await closed(duplex);
			listener.close();
		});
	});
});
