import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, lstatSync, renameSync } from "node:fs";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import {
	anyone,
	BusyError,
	ClosedError,
	connect,
	listen,
	sameUser,
	UnsupportedError,
} from "socketry";
import { fromServer, toNetServer } from "socketry/node";
import { abstractName, withSocketPath } from "../support/pairs.ts";
import { closed } from "./sockets.ts";

describe("toNetServer()", () => {
	test("a server of Node's accepts what waited, and what comes later", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const { port } = listener.address;
		const early = net.connect(port, "127.0.0.1");
		await once(early, "connect");
		const server = toNetServer(listener, {}, (socket) => socket.end("served"));
		assert.equal(listener.closed, true);
		await once(server, "listening");
		assert.equal((server.address() as AddressInfo).port, port);
		assert.equal(String((await once(early, "data"))[0]), "served");
		const late = await connect({ transport: "tcp", host: "127.0.0.1", port });
		assert.equal(String(await late.readExactly(6)), "served");
		await late.close();
		await closed(early);
		server.close();
		await once(server, "close");
	});

	test("the socket file goes when the server is told to close, not when its last connection does", async () => {
		await withSocketPath(async (path) => {
			const server = toNetServer(await listen(`unix:${path}`));
			await once(server, "listening");
			assert.equal(server.address(), path);
			const client = net.connect(path);
			const [[accepted]] = await Promise.all([once(server, "connection"), once(client, "connect")]);
			const over = once(server, "close");
			server.close();
			assert.ok(!existsSync(path));
			assert.equal(server.listening, false);
			accepted.destroy();
			client.destroy();
			await over;
		});
	});

	test("the socket file of a successor stays", async () => {
		await withSocketPath(async (path) => {
			const server = toNetServer(await listen(`unix:${path}`));
			await once(server, "listening");
			const successor = await listen(`unix:${path}.new`);
			renameSync(`${path}.new`, path);
			server.close();
			await once(server, "close");
			assert.ok(lstatSync(path).isSocket());
			successor.close();
		});
	});

	test("a server that was made before takes the listener, HTTP too", async () => {
		await withSocketPath(async (path) => {
			const server = http.createServer((_request, response) => response.end("hello"));
			assert.equal(toNetServer(await listen(`unix:${path}`), server), server);
			await once(server, "listening");
			const body = await new Promise<string>((resolve, reject) => {
				http
					.get({ socketPath: path, agent: false }, (response) => {
						response.setEncoding("utf8").on("data", resolve);
					})
					.on("error", reject);
			});
			assert.equal(body, "hello");
			server.close();
			await once(server, "close");
			assert.ok(!existsSync(path));
		});
	});

	test("a pending accept, a closed listener and a server that listens are refused", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const accepted = listener.accept({ timeoutMs: 20 });
		assert.throws(() => toNetServer(listener), BusyError);
		await assert.rejects(accepted, { code: "ERR_TIMEOUT" });
		const busy = net.createServer().listen(0, "127.0.0.1");
		await once(busy, "listening");
		assert.throws(() => toNetServer(listener, busy), BusyError);
		busy.close();
		await once(busy, "close");
		listener.close();
		assert.throws(() => toNetServer(listener), ClosedError);
		assert.throws(() => toNetServer({} as never), { code: "ERR_INVALID_ARG_TYPE" });
	});

	test("a policy of who may connect is not given up silently", async () => {
		const guarded = await listen(`unix:${abstractName()}`, { allow: sameUser() });
		assert.throws(() => toNetServer(guarded), UnsupportedError);
		guarded.close();
		const name = abstractName();
		const open = await listen(`unix:${name}`, { allow: anyone() });
		const server = toNetServer(open);
		await once(server, "listening");
		assert.equal(server.address(), `\0${name.slice(1)}`);
		server.close();
		await once(server, "close");
	});
});

describe("fromServer()", () => {
	test("a listener accepts what waits, while the server keeps what it has", async () => {
		const server = net.createServer((socket) => socket.pipe(socket));
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const first = net.connect(port, "127.0.0.1");
		await Promise.all([once(server, "connection"), once(first, "connect")]);
		const listener = fromServer(server);
		assert.equal(server.listening, false);
		assert.equal((listener.address as { port: number }).port, port);
		const second = net.connect(port, "127.0.0.1");
		const stream = await listener.accept();
		await stream.write("from the listener");
		assert.equal(String((await once(second, "data"))[0]), "from the listener");
		first.write("echo");
		assert.equal(String((await once(first, "data"))[0]), "echo");
		first.destroy();
		second.destroy();
		await stream.close();
		listener.close();
		await once(server, "close");
	});

	test("the socket file stays with the listener, and goes with it", async () => {
		await withSocketPath(async (path) => {
			const server = net.createServer().listen(path);
			await once(server, "listening");
			const { ino } = lstatSync(path);
			const over = once(server, "close");
			const listener = fromServer(server);
			await over;
			assert.equal(lstatSync(path).ino, ino);
			const [client, accepted] = await Promise.all([connect(`unix:${path}`), listener.accept()]);
			await Promise.all([client.close(), accepted.close()]);
			listener.close();
			assert.ok(!existsSync(path));
		});
	});

	test("a listener that goes to Node and comes back is the same", async () => {
		await withSocketPath(async (path) => {
			const server = toNetServer(await listen(`unix:${path}`));
			await once(server, "listening");
			const over = once(server, "close");
			const listener = fromServer(server);
			const [client, accepted] = await Promise.all([connect(`unix:${path}`), listener.accept()]);
			await Promise.all([client.close(), accepted.close()]);
			listener.close();
			assert.ok(!existsSync(path));
			await over;
		});
	});

	test("idle connections of an HTTP server live on", async () => {
		const server = http.createServer((_request, response) => response.end("ok"));
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const client = net.connect(port, "127.0.0.1");
		const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
		client.write(request);
		await once(client, "data");
		const listener = fromServer(server);
		client.write(request);
		assert.match(String((await once(client, "data"))[0]), /200 OK/);
		client.destroy();
		listener.close();
		await once(server, "close");
	});

	test("its options are those of listen", async () => {
		await withSocketPath(async (path) => {
			const server = net.createServer().listen(path);
			await once(server, "listening");
			const listener = fromServer(server, { allow: () => false });
			const accepted = listener.accept();
			const client = await connect(`unix:${path}`);
			assert.equal(await client.read(), null);
			assert.equal(listener.refusedPeersCount, 1);
			listener.close();
			await assert.rejects(accepted, ClosedError);
			await client.close();
		});
	});

	test("a server that does not listen is refused", () => {
		assert.throws(() => fromServer(net.createServer()), ClosedError);
		assert.throws(() => fromServer({} as never), { code: "ERR_INVALID_ARG_TYPE" });
	});
});
