import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";
import { connect, listen } from "socketry";
import { attachHttp, connectDuplex, createConnectionTo } from "socketry/node";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { PROMPT_MS } from "../support/patience.ts";
import { makeCertificate } from "./certificate.ts";
import { closed, readAll } from "./sockets.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** Serves for the time of a test, and checks that closing is clean. */
async function serving<S extends net.Server>(
	server: S,
	sockets: "net" | "duplex",
	body: (port: number, server: S) => Promise<void>,
): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0");
	attachHttp(server, listener, { sockets });
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	await body(port, server);
	await promisify(server.close).call(server);
	assert.equal(listener.closed, true);
	assert.equal(server.listening, false);
}

async function get(options: http.RequestOptions): Promise<string> {
	const request = http.get({ agent: false, ...options });
	const [response] = (await once(request, "response")) as [http.IncomingMessage];
	return String(await readAll(response));
}

/** What comes until a connection is over, be it by a reset: who still talks when the server closes is told so by one, after the answer. */
async function allFrom(client: net.Socket): Promise<string> {
	let text = "";
	client
		.on("error", () => undefined)
		.on("data", (bytes) => {
			text += bytes;
		});
	await closed(client);
	return text;
}

/**
 * Goes on talking until the connection is over, a byte every now and then. What has come is read before each: a write that fails would throw it away.
 */
function dribble(client: net.Socket): void {
	const talk = (): void => {
		if (client.destroyed) return;
		client.write("x");
		setImmediate(() => setTimeout(talk, 10));
	};
	talk();
}

for (const sockets of ["net", "duplex"] as const) {
	describe(`attachHttp() with ${sockets} sockets`, () => {
		test("serves over TCP, and requests know where they come from", () =>
			serving(
				http.createServer(({ socket, httpVersion }, response) => {
					response.end(`${httpVersion} ${socket.remoteAddress} ${socket.localPort}`);
				}),
				sockets,
				async (port) => {
					assert.equal(await get({ port, host: "127.0.0.1" }), `1.1 127.0.0.1 ${port}`);
				},
			));

		test("bodies of some megabytes pass in both directions, many at once", () =>
			serving(
				http.createServer((request, response) => request.pipe(response)),
				sockets,
				async (port) => {
					const body = Buffer.alloc(3_000_000, "0123456789");
					const answers = Array.from({ length: 8 }, async () => {
						const options = { port, host: "127.0.0.1", method: "POST", agent: false as const };
						const request = http.request(options).end(body);
						const [response] = (await once(request, "response")) as [http.IncomingMessage];
						return (await readAll(response)).equals(body);
					});
					assert.ok((await Promise.all(answers)).every(Boolean));
				},
			));

		test("connections are kept and used again", () => {
			const seen = new Set<unknown>();
			return serving(
				http.createServer(({ socket }, response) => {
					seen.add(socket);
					response.end("again");
				}),
				sockets,
				async (port) => {
					const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
					for (let i = 0; i < 5; i++) await get({ agent, port, host: "127.0.0.1" });
					agent.destroy();
					assert.equal(seen.size, 1);
				},
			);
		});

		for (const [kind, first] of [
			["says nothing", ""],
			["says its headers byte by byte", "GET / HTTP/1.1\r\nX: "],
		] as const) {
			test(`a client that ${kind} is cut by headersTimeout`, () =>
				serving(
					http.createServer({
						headersTimeout: 100,
						requestTimeout: 200,
						connectionsCheckingInterval: 20,
					}),
					sockets,
					async (port, server) => {
						server.on("request", () => assert.fail("no request"));
						const client = net.connect(port, "127.0.0.1");
						const start = performance.now();
						client.write(first);
						if (first !== "") dribble(client);
						const answer = await allFrom(client);
						assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
						const ms = performance.now() - start;
						assert.ok(ms > 90 && ms < PROMPT_MS, `${ms} ms`);
					},
				));
		}

		test("a client whose body never ends is cut by requestTimeout", () =>
			serving(
				http.createServer(
					{ headersTimeout: 100, requestTimeout: 150, connectionsCheckingInterval: 20 },
					(request) => {
						request.resume().on("error", () => undefined);
					},
				),
				sockets,
				async (port) => {
					const client = net.connect(port, "127.0.0.1");
					client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
					dribble(client);
					const answer = await allFrom(client);
					assert.match(answer, /^HTTP\/1\.1 408 /);
				},
			));

		test("a malformed request is answered before its connection ends", () =>
			serving(http.createServer(), sockets, async (port) => {
				const client = net.connect(port, "127.0.0.1");
				client.write("NONSENSE\r\n\r\n");
				assert.match(String(await readAll(client)), /^HTTP\/1\.1 400 /);
				await closed(client);
			}));

		test("keepAliveTimeout ends an idle connection", () =>
			serving(
				http.createServer({ keepAliveTimeout: 30 }, (_request, response) => response.end("bye")),
				sockets,
				async (port) => {
					const client = net.connect(port, "127.0.0.1");
					client.write(REQUEST);
					assert.match(String(await readAll(client)), /bye/);
					await closed(client);
				},
			));

		test("close() lets requests under way come to their end, and ends idle connections", async () => {
			let respond = (): void => undefined;
			const server = http.createServer((_request, response) => {
				respond = () => response.end("done");
			});
			// Once it is closed nobody else listens there.
			const [host] = ownLoopbackHosts();
			const listener = await listen(`tcp://${host}:0`);
			attachHttp(server, listener, { sockets });
			await once(server, "listening");
			const { port } = listener.address;
			const idle = net.connect(port, host);
			idle.write(REQUEST);
			await once(server, "request");
			respond();
			await once(idle, "data");
			const busy = get({ port, host });
			await once(server, "request");
			const over = promisify(server.close).call(server);
			await closed(idle.resume());
			await assert.rejects(connect({ transport: "tcp", host, port }), {
				code: "ECONNREFUSED",
			});
			respond();
			assert.equal(await busy, "done");
			await over;
		});

		test("maxConnections drops what is too much, and tells", async () => {
			const server = http.createServer((_request, response) => response.end());
			server.maxConnections = 1;
			await serving(server, sockets, async (port) => {
				const first = net.connect(port, "127.0.0.1");
				await once(server, "connection");
				const second = net.connect(port, "127.0.0.1").on("error", () => undefined);
				const [dropped] = await once(server, "drop");
				assert.equal(dropped.remotePort, second.localPort ?? dropped.remotePort);
				await closed(second);
				assert.equal(await promisify(server.getConnections).call(server), 1);
				first.destroy();
				await closed(first);
			});
		});

		test("maxConnections holds for clients that come all at once", async () => {
			const server = http.createServer();
			server.maxConnections = 3;
			let [served, dropped] = [0, 0];
			server.on("connection", () => served++);
			const all = new Promise<void>((resolve) => {
				const isAll = (): void => {
					if (served + dropped === 12) resolve();
				};
				server.on("drop", () => dropped++).on("drop", isAll);
				server.on("connection", isAll);
			});
			await serving(server, sockets, async (port) => {
				const clients = Array.from({ length: 12 }, () =>
					net.connect(port, "127.0.0.1").on("error", () => undefined),
				);
				await all;
				assert.deepEqual([served, dropped], [3, 9]);
				for (const client of clients) client.destroy();
				await Promise.all(clients.map(closed));
			});
		});

		test("an upgrade gives the socket away", () =>
			serving(
				http.createServer().on("upgrade", (_request, socket, head) => {
					socket.write(
						"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
					);
					socket.write(head);
					socket.pipe(socket);
				}),
				sockets,
				async (port) => {
					const client = net.connect(port, "127.0.0.1");
					client.write(
						"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhead",
					);
					client.write("tail");
					client.end();
					assert.match(String(await readAll(client)), /\r\n\r\nheadtail$/);
					await closed(client);
				},
			));

		test("https: TLS on top, with the listener's own limits against slow handshakes", async () => {
			const certificate = makeCertificate();
			const server = https.createServer(certificate, ({ socket }, response) => {
				response.end((socket as tls.TLSSocket).getProtocol());
			});
			await serving(server, sockets, async (port) => {
				const options = {
					port,
					ca: certificate.ca,
					servername: "localhost",
					agent: false as const,
				};
				const request = https.get(options);
				const [response] = (await once(request, "response")) as [http.IncomingMessage];
				assert.equal(String(await readAll(response)), "TLSv1.3");
				const wrong = https.get({ ...options, servername: "other.example" });
				const [error] = await once(wrong, "error");
				assert.equal(error.code, "ERR_TLS_CERT_ALTNAME_INVALID");
			});
			const slow = https.createServer({ ...certificate, handshakeTimeout: 60 });
			await serving(slow, sockets, async (port) => {
				const client = net.connect(port, "127.0.0.1").on("error", () => undefined);
				const [error] = await once(slow, "tlsClientError");
				assert.equal(error.code, "ERR_TLS_HANDSHAKE_TIMEOUT");
				await closed(client.resume());
			});
		});

		test("http2: streams of one connection, without and with TLS", async () => {
			const onStream = (stream: http2.ServerHttp2Stream): void => {
				stream.respond({ ":status": 200 });
				stream.pipe(stream);
			};
			const body = Buffer.alloc(500_000, "h2");
			const exchange = async (session: http2.ClientHttp2Session): Promise<void> => {
				const streams = Array.from({ length: 10 }, () =>
					session.request({ ":method": "POST" }).end(body),
				);
				const answers = await Promise.all(streams.map(readAll));
				assert.ok(answers.every((answer) => answer.equals(body)));
				session.close();
				await once(session, "close");
			};
			await serving(http2.createServer().on("stream", onStream), sockets, async (port) => {
				const createConnection = createConnectionTo(`tcp://127.0.0.1:${port}`);
				await exchange(http2.connect("http://x", { createConnection }));
				await exchange(http2.connect(`http://127.0.0.1:${port}`));
			});
			const certificate = makeCertificate();
			const secure = http2.createSecureServer(certificate).on("stream", onStream);
			await serving(secure, sockets, async (port) => {
				await exchange(
					http2.connect("https://localhost", {
						createConnection: () =>
							tls.connect({
								socket: connectDuplex(`tcp://127.0.0.1:${port}`),
								ca: certificate.ca,
								servername: "localhost",
								ALPNProtocols: ["h2"],
							}),
					}),
				);
			});
		});
	});
}
