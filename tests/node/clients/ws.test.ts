/** The unmodified `ws`: its client over duplexes of ours, its server on a listener of ours. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { listen } from "socketry";
import { attachHttp, createConnectionTo } from "socketry/node";
import { WebSocket, WebSocketServer } from "ws";
import { withSocketPath } from "../../support/pairs.ts";

for (const sockets of ["net", "duplex"] as const) {
	describe(`ws with ${sockets} sockets at its server`, () => {
		const withEcho = async (
			body: (open: () => WebSocket, server: WebSocketServer) => Promise<void>,
		): Promise<void> => {
			await withSocketPath(async (path) => {
				const server = http.createServer();
				const echo = new WebSocketServer({ server, perMessageDeflate: true });
				echo.on("connection", (socket) => {
					socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
				});
				attachHttp(server, await listen(`unix:${path}`), { sockets });
				const createConnection = createConnectionTo(`unix:${path}`) as never;
				await body(() => new WebSocket("ws://x/", { createConnection }), echo);
				echo.close();
				await promisify(server.close).call(server);
			});
		};

		test("messages of every size come back, in order", () =>
			withEcho(async (open) => {
				const socket = open();
				await once(socket, "open");
				const sizes = [0, 1, 125, 126, 65_535, 65_536, 3_000_000];
				const answers: number[] = [];
				const all = new Promise<void>((resolve) => {
					socket.on("message", (data: Buffer) => {
						answers.push(data.length);
						if (answers.length === sizes.length) resolve();
					});
				});
				for (const size of sizes) socket.send(Buffer.alloc(size, "w"));
				await all;
				assert.deepEqual(answers, sizes);
				socket.close(1_000, "done");
				const [code, reason] = await once(socket, "close");
				assert.equal(code, 1_000);
				assert.equal(String(reason), "done");
			}));

		test("many clients at once, pings, and a connection that is cut", () =>
			withEcho(async (open, server) => {
				const clients = Array.from({ length: 30 }, open);
				await Promise.all(clients.map((client) => once(client, "open")));
				for (const client of clients) client.ping();
				await Promise.all(clients.map((client) => once(client, "pong")));
				assert.equal(server.clients.size, 30);
				const closes = clients.map((client) => once(client, "close"));
				const [served] = server.clients;
				const first = Promise.race(closes);
				served?.terminate();
				assert.equal((await first)[0], 1_006);
				for (const client of clients) client.terminate();
				await Promise.all(closes);
			}));

		test("a refused upgrade is an answer", () =>
			withEcho(async (open, server) => {
				server.options.verifyClient = (_info, answer) => answer(false, 401);
				const socket = open();
				const [, response] = await once(socket, "unexpected-response");
				assert.equal(response.statusCode, 401);
				const closed = new Promise((resolve) => socket.once("close", resolve));
				socket.on("error", () => undefined).terminate();
				await closed;
			}));
	});
}

test("a client over a socket that nobody answers gives up by itself", async () => {
	await withSocketPath(async (path) => {
		const listener = await listen(`unix:${path}`);
		const socket = new WebSocket("ws://x/", {
			handshakeTimeout: 30,
			createConnection: createConnectionTo(`unix:${path}`) as never,
		});
		const [error] = await once(socket, "error");
		assert.match(error.message, /handshake has timed out/);
		listener.close();
	});
});
