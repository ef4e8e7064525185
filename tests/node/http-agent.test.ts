import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { describe, test } from "node:test";
import type { SecureVersion, TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { InvalidAddressError, listen, UnsupportedError } from "socketry";
import { attachHttp, connector, fetchDispatcher, httpAgent, httpsAgent } from "socketry/node";
import { Agent, Client, fetch as fetchOfUndici, Pool, request as requestOfUndici } from "undici";
import { withSocketPath } from "../support/pairs.ts";
import { makeCertificate } from "./certificate.ts";
import { readAll } from "./sockets.ts";

/** An HTTP server on a Unix socket, for the time of a test. */
async function withServer(
	handler: http.RequestListener,
	body: (address: string) => Promise<void>,
	server: http.Server = http.createServer(handler),
): Promise<void> {
	await withSocketPath(async (path) => {
		attachHttp(server, await listen(`unix:${path}`));
		await body(`unix:${path}`);
		await promisify(server.close).call(server);
	});
}

async function bodyOf(request: http.ClientRequest): Promise<string> {
	const [response] = (await once(request, "response")) as [http.IncomingMessage];
	return String(await readAll(response));
}

describe("httpAgent()", () => {
	test("all its connections go to its address, whatever the host, and are used again", () => {
		const sockets = new Set<unknown>();
		return withServer(
			({ headers, socket, url }, response) => {
				sockets.add(socket);
				response.end(`${headers.host} ${url}`);
			},
			async (address) => {
				const agent = httpAgent(address, { maxSockets: 1 });
				assert.equal(await bodyOf(http.get("http://docker/info", { agent })), "docker /info");
				assert.equal(await bodyOf(http.get("http://docker:81/a", { agent })), "docker:81 /a");
				assert.equal(await bodyOf(http.get("http://docker/b", { agent })), "docker /b");
				assert.ok(sockets.size <= 2, `${sockets.size} connections`);
				agent.destroy();
			},
		);
	});

	test("a request is destroyed with its connection, and a timeout is told", () =>
		withServer(
			(_request, response) => response.write("half"),
			async (address) => {
				const agent = httpAgent(address);
				const request = http.get("http://x/", { agent, timeout: 20 });
				const timedOut = once(request, "timeout");
				const [response] = (await once(request, "response")) as [http.IncomingMessage];
				await timedOut;
				request.destroy();
				await assert.rejects(readAll(response), { code: "ECONNRESET" });
				agent.destroy();
			},
		));

	test("the agent's own timeout is in force from the start", () =>
		withServer(
			() => undefined,
			async (address) => {
				const agent = httpAgent(address, { timeout: 30 });
				const request = http.get("http://x/", { agent });
				await once(request, "timeout");
				request.on("error", () => undefined).destroy();
				agent.destroy();
			},
		));

	test("nobody there is an error of the request", async () => {
		await withSocketPath(async (path) => {
			const agent = httpAgent(`unix:${path}`);
			const [error] = await once(http.get("http://x/", { agent }), "error");
			assert.equal(error.code, "ENOENT");
			assert.equal(error.path, path);
			agent.destroy();
		});
		assert.throws(() => httpAgent("nowhere"), InvalidAddressError);
	});

	test("large bodies in both directions", () =>
		withServer(
			(request, response) => request.pipe(response),
			async (address) => {
				const agent = httpAgent(address);
				const body = Buffer.alloc(5_000_000, "body");
				const request = http.request("http://x/", { agent, method: "POST" }).end(body);
				assert.equal(await bodyOf(request), String(body));
				agent.destroy();
			},
		));
});

const echo: http.RequestListener = (request, response) => {
	response.setHeader("x-host", String(request.headers.host));
	request.pipe(response);
};

describe("httpsAgent()", () => {
	test("TLS proves the host of the URL, and resumes its sessions", async () => {
		const certificate = makeCertificate();
		const handler: http.RequestListener = ({ socket }, response) => {
			response.end(String((socket as TLSSocket).isSessionReused()));
		};
		const server = https.createServer(certificate, handler) as unknown as http.Server;
		await withServer(
			handler,
			async (address) => {
				const agent = httpsAgent(address, { ca: certificate.ca, keepAlive: false });
				assert.equal(await bodyOf(https.get("https://localhost/", { agent })), "false");
				assert.equal(await bodyOf(https.get("https://localhost/", { agent })), "true");
				const [error] = await once(https.get("https://other.example/", { agent }), "error");
				assert.equal(error.code, "ERR_TLS_CERT_ALTNAME_INVALID");
				agent.destroy();
			},
			server,
		);
	});

	test("settings of TLS that Node refuses are the request's error", async () => {
		await withServer(echo, async (address) => {
			const agent = httpsAgent(address, { minVersion: "none" as SecureVersion });
			const [error] = await once(https.get("https://localhost/", { agent }), "error");
			assert.equal(error.code, "ERR_TLS_INVALID_PROTOCOL_VERSION");
			agent.destroy();
			const dispatcher = fetchDispatcher(address, { tls: { minVersion: "none" as SecureVersion } });
			await assert.rejects(
				fetch("https://localhost/", { dispatcher }),
				({ cause }: Error & { cause: { code: string } }) =>
					cause.code === "ERR_TLS_INVALID_PROTOCOL_VERSION",
			);
			await dispatcher.close();
		});
	});
});

describe("connector() and fetchDispatcher()", () => {
	test("the fetch that is built in speaks to a Unix socket", () =>
		withServer(echo, async (address) => {
			const dispatcher = fetchDispatcher(address);
			const answer = await fetch("http://docker/v1.43/info", {
				dispatcher,
				method: "POST",
				body: "via fetch",
			});
			assert.equal(answer.headers.get("x-host"), "docker");
			assert.equal(await answer.text(), "via fetch");
			await dispatcher.destroy();
		}));

	test("undici's Agent, Pool and Client, its fetch and its request do", () =>
		withServer(echo, async (address) => {
			const connect = connector(address);
			const agent = new Agent({ connect });
			const answer = await fetchOfUndici("http://docker/", { dispatcher: agent });
			assert.equal(answer.headers.get("x-host"), "docker");
			await answer.text();
			for (const dispatcher of [
				agent,
				new Pool("http://docker", { connect }),
				new Client("http://docker", { connect }),
			]) {
				const body = Buffer.alloc(2_000_000, "undici");
				const { statusCode, body: source } = await requestOfUndici("http://docker/", {
					dispatcher,
					method: "POST",
					body,
				});
				assert.equal(statusCode, 200);
				assert.equal(await source.text(), String(body));
				await dispatcher.close();
			}
		}));

	test("https goes through TLS, which proves the host of the URL", async () => {
		const certificate = makeCertificate();
		const server = https.createServer(certificate, echo) as unknown as http.Server;
		await withServer(
			echo,
			async (address) => {
				const dispatcher = fetchDispatcher(address, { tls: { ca: certificate.ca } });
				const answer = await fetch("https://localhost/", { dispatcher });
				assert.equal(answer.headers.get("x-host"), "localhost");
				await answer.text();
				await assert.rejects(
					fetch("https://other.example/", { dispatcher }),
					({ cause }: Error & { cause: { code: string } }) =>
						cause.code === "ERR_TLS_CERT_ALTNAME_INVALID",
				);
				await dispatcher.destroy();
			},
			server,
		);
	});

	test("nobody there is the cause of a failed fetch", async () => {
		await withSocketPath(async (path) => {
			const dispatcher = fetchDispatcher(`unix:${path}`);
			await assert.rejects(
				fetch("http://x/", { dispatcher }),
				({ cause }: Error & { cause: { code: string } }) => cause.code === "ENOENT",
			);
			await dispatcher.destroy();
		});
	});

	test("an aborted fetch ends its connection", () =>
		withServer(
			() => undefined,
			async (address) => {
				const dispatcher = fetchDispatcher(address);
				await assert.rejects(fetch("http://x/", { dispatcher, signal: AbortSignal.timeout(20) }), {
					name: "TimeoutError",
				});
				await dispatcher.destroy();
			},
		));

	test("a global dispatcher of another kind is not taken for Node's", () => {
		const places = globalThis as unknown as Record<symbol, unknown>;
		const keys = [1, 2].map((n) => Symbol.for(`undici.globalDispatcher.${n}`));
		void globalThis.Response;
		const before = keys.map((key) => Object.getOwnPropertyDescriptor(places, key));
		class Proxying {}
		try {
			for (const key of keys) {
				Object.defineProperty(places, key, {
					value: new Proxying(),
					configurable: true,
					writable: true,
				});
			}
			assert.throws(() => fetchDispatcher("unix:/run/x.sock"), UnsupportedError);
		} catch (error) {
			// undici may have fixed its place for good.
			assert.ok(error instanceof TypeError);
		} finally {
			keys.forEach((key, i) => {
				const descriptor = before[i];
				if (descriptor?.configurable) Object.defineProperty(places, key, descriptor);
			});
		}
	});
});
