/** Fastify and Express, unmodified, on listeners of ours. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { promisify } from "node:util";
import express from "express";
import fastify from "fastify";
import { listen } from "socketry";
import { attachHttp, httpAgent, toNetServer } from "socketry/node";
import { withSocketPath } from "../../support/pairs.ts";
import { readAll } from "../sockets.ts";

async function post(agent: http.Agent, path: string, body: string): Promise<string> {
	const headers = { "content-type": "application/json" };
	const request = http.request({ agent, host: "x", path, method: "POST", headers }).end(body);
	const [response] = (await once(request, "response")) as [http.IncomingMessage];
	return String(await readAll(response));
}

for (const sockets of ["net", "duplex"] as const) {
	test(`Fastify serves with ${sockets} sockets, and its close() closes the listener`, async () => {
		await withSocketPath(async (path) => {
			const app = fastify();
			app.post("/echo/:id", async ({ body, params, ip }) => ({ body, params, ip: ip ?? null }));
			await app.ready();
			const listener = await listen(`unix:${path}`);
			attachHttp(app.server, listener, { sockets });
			const agent = httpAgent(`unix:${path}`, { maxSockets: 4 });
			const body = JSON.stringify({ text: "f".repeat(300_000) });
			const answers = await Promise.all(
				Array.from({ length: 50 }, (_, i) => post(agent, `/echo/${i}`, body)),
			);
			for (const [i, answer] of answers.entries()) {
				const { body: echoed, params } = JSON.parse(answer);
				assert.equal(JSON.stringify(echoed), body);
				assert.equal(params.id, String(i));
			}
			agent.destroy();
			await app.close();
			assert.equal(listener.closed, true);
		});
	});

	test(`Express serves with ${sockets} sockets, and knows who asks`, async () => {
		const app = express();
		app.use(express.json({ limit: "1mb" }));
		app.post("/echo", (request, response) => {
			response.json({ ip: request.ip, body: request.body });
		});
		const server = http.createServer(app);
		const listener = await listen("tcp://127.0.0.1:0");
		attachHttp(server, listener, { sockets });
		await once(server, "listening");
		const agent = httpAgent(listener.address);
		const answer = await post(agent, "/echo", '{"a":1}');
		assert.deepEqual(JSON.parse(answer), { ip: "127.0.0.1", body: { a: 1 } });
		agent.destroy();
		await promisify(server.close).call(server);
	});
}

test("Fastify on a listener that goes over to its server for good", async () => {
	await withSocketPath(async (path) => {
		const app = fastify();
		app.post("/", async ({ body }) => body);
		await app.ready();
		toNetServer(await listen(`unix:${path}`), app.server);
		await once(app.server, "listening");
		const agent = httpAgent(`unix:${path}`);
		assert.equal(await post(agent, "/", '{"b":2}'), '{"b":2}');
		agent.destroy();
		await app.close();
	});
});
