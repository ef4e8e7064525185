/** Servers of Node's as they behave once they serve a listener of ours. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { BusyError, listen } from "socketry";
import { attachHttp } from "socketry/node";
import { withSocketPath } from "../support/pairs.ts";
import { lacking } from "../support/programs.ts";
import { closed, readAll } from "./sockets.ts";

async function get(options: http.RequestOptions): Promise<string> {
	const request = http.get({ agent: false, ...options });
	const [response] = (await once(request, "response")) as [http.IncomingMessage];
	return String(await readAll(response));
}

describe("attachHttp()", () => {
	test("over a Unix socket the server has its path, and the file goes with it", async () => {
		await withSocketPath(async (path) => {
			const server = http.createServer((_request, response) => response.end("unix"));
			attachHttp(server, await listen(`unix:${path}`));
			assert.equal(server.listening, true);
			await once(server, "listening");
			assert.equal(server.address(), path);
			assert.equal(await get({ socketPath: path }), "unix");
			const over = promisify(server.close).call(server);
			assert.ok(!existsSync(path));
			await over;
			assert.equal(server.listening, false);
		});
	});

	test("curl is served", { skip: lacking("curl") }, async (t) => {
		await withSocketPath(async (path) => {
			const server = http.createServer((request, response) => request.pipe(response));
			t.after(() => server.close());
			attachHttp(server, await listen(`unix:${path}`));
			const args = ["--silent", "--unix-socket", path, "--data", "sent by curl", "http://x/"];
			const { stdout } = await promisify(execFile)("curl", args, {
				// The sanitizers that our tests may run with are not for it.
				env: { ...process.env, LD_PRELOAD: "" },
			});
			assert.equal(stdout, "sent by curl");
		});
	});

	test("one server serves several listeners, and can be attached again after close()", async () => {
		await withSocketPath(async (path) => {
			const server = http.createServer((_request, response) => response.end("both"));
			let announced = 0;
			server.on("listening", () => announced++);
			for (let round = 1; round <= 2; round++) {
				const tcp = await listen("tcp://127.0.0.1:0");
				attachHttp(attachHttp(server, tcp), await listen(`unix:${path}`));
				await once(server, "listening");
				const { port } = tcp.address;
				assert.equal(await get({ port, host: "127.0.0.1" }), "both");
				assert.equal(await get({ socketPath: path }), "both");
				assert.equal(announced, round);
				await promisify(server.close).call(server);
				assert.equal(tcp.closed, true);
			}
		});
	});

	test("a method close() that somebody has kept closes the listener too", async () => {
		const server = http.createServer();
		const { close } = server;
		const listener = await listen("tcp://127.0.0.1:0");
		attachHttp(server, listener);
		await promisify(close).call(server);
		assert.equal(listener.closed, true);
	});

	test("a server that is closed says so to a second close()", async () => {
		const server = http.createServer();
		attachHttp(server, await listen("tcp://127.0.0.1:0"));
		await promisify(server.close).call(server);
		await assert.rejects(promisify(server.close).call(server), { code: "ERR_SERVER_NOT_RUNNING" });
	});

	test("a listener's failure is an error of the server", async () => {
		const server = http.createServer();
		const listener = await listen("tcp://127.0.0.1:0");
		const accepting = listener.accept();
		attachHttp(server, listener);
		const [error] = await once(server, "error");
		assert.ok(error instanceof BusyError);
		await assert.rejects(Promise.all([accepting, promisify(server.close).call(server)]), {
			code: "ERR_CLOSED",
		});
	});

	test("an exception of a handler is the program's, and the next client is served", async () => {
		const server = http.createServer((_request, response) => response.end("next"));
		let throwing = true;
		server.prependListener("connection", (socket) => {
			if (!throwing) return;
			socket.destroy();
			throw new Error("of the program");
		});
		const listener = await listen("tcp://127.0.0.1:0");
		attachHttp(server, listener, { sockets: "duplex" });
		await once(server, "listening");
		const { port } = listener.address;
		const caught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
		const client = net.connect(port, "127.0.0.1");
		assert.match(String(await caught), /of the program/);
		process.setUncaughtExceptionCaptureCallback(null);
		throwing = false;
		assert.equal(await get({ port, host: "127.0.0.1" }), "next");
		client.destroy();
		await closed(client);
		await promisify(server.close).call(server);
	});

	test("a server that listens by itself, and what is no listener, are refused", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const server = http.createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		assert.throws(() => attachHttp(server, listener), BusyError);
		await promisify(server.close).call(server);
		assert.throws(() => attachHttp(server, {} as never), { code: "ERR_INVALID_ARG_TYPE" });
		assert.throws(() => attachHttp(server, listener, { sockets: "raw" as never }), {
			code: "ERR_INVALID_ARG_VALUE",
		});
		listener.close();
	});
});
