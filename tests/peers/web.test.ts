/** The web servers of the examples with curl, with nginx in front of them, and under the load of wrk. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { whenReachable } from "socketry";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { example, freePort, lacking, lineLike, startPeer, stop } from "../support/programs.ts";

interface Served {
	/** Of the Unix socket. */
	readonly path: string;
	/** Of TCP, as the host of a URL. */
	readonly host: string;
	readonly folder: string;
}

async function withServer(
	t: TestContext,
	name: string,
	body: (served: Served) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const path = join(folder, "web.sock");
		const args = ["tcp://127.0.0.1:0", `unix:${path}`];
		const server = startChild(example(`web/${name}.ts`), { args });
		t.after(() => server.process.kill("SIGKILL"));
		const [, port] = await lineLike(server, /^serving tcp:.*:(\d+)$/);
		await lineLike(server, /^serving unix:/);
		await body({ path, host: `127.0.0.1:${port}`, folder });
		server.process.kill("SIGTERM");
		const { code, stderr } = await server.ended;
		assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
	});
}

async function curl(...args: string[]): Promise<string> {
	const { code, stdout, stderr } = await startPeer("curl", ["--fail", "-sS", ...args]).ended;
	assert.equal(code, 0, stderr);
	return stdout;
}

/** Starts nginx, which passes every request on to `target`. Resolves to where it listens. */
async function startNginx(t: TestContext, folder: string, target: string): Promise<string> {
	const host = `127.0.0.1:${await freePort()}`;
	const config = join(folder, "nginx.conf");
	const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
		(kind) => `${kind}_temp_path ${folder}/${kind};`,
	);
	const site = `server {
		listen ${host};
		client_max_body_size 8m;
		location / {
			proxy_pass http://ours;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header X-Forwarded-For $remote_addr:$remote_port;
		}
	}`;
	const upstream = `upstream ours { server ${target}; keepalive 16; }`;
	const http = `http { access_log off; ${paths.join(" ")} ${upstream} ${site} }`;
	const top = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn;`;
	writeFileSync(config, `${top} events { worker_connections 256; } ${http}`);
	const nginx = startPeer("nginx", ["-e", "stderr", "-p", folder, "-c", config]);
	t.after(() => stop(nginx, "SIGQUIT"));
	await whenReachable(`tcp://${host}`, PATIENT);
	return host;
}

/** What wrk achieves in a second on 16 connections; fails if one request did. */
async function load(url: string): Promise<number> {
	const wrk = await startPeer("wrk", ["-t1", "-c16", "-d1s", "--timeout", "60s", url]).ended;
	assert.equal(wrk.code, 0, wrk.stderr);
	assert.doesNotMatch(wrk.stdout, /Socket errors|Non-2xx/);
	return Number(/Requests\/sec:\s+([\d.]+)/.exec(wrk.stdout)?.[1]);
}

test("curl gets pages and uploads 4 MiB over TCP, over a Unix socket and through nginx", {
	skip: lacking("curl", "nginx"),
}, async (t) => {
	await withServer(t, "server", async ({ path, host, folder }) => {
		const upload = randomBytes(4_194_304);
		const file = join(folder, "upload");
		writeFileSync(file, upload);
		const digest = `${createHash("sha256").update(upload).digest("hex")}\n`;
		const front = await startNginx(t, folder, `unix:${path}`);

		assert.equal(await curl(`http://${host}/`), "hello 127.0.0.1\n");
		assert.equal(await curl("--unix-socket", path, "http://web/"), "hello this host\n");
		// Only nginx knows that port.
		assert.match(await curl(`http://${front}/`), /^hello 127\.0\.0\.1:\d+\n$/);
		for (const where of [
			[`http://${host}/digest`],
			["--unix-socket", path, "http://web/digest"],
			[`http://${front}/digest`],
		]) {
			assert.equal(await curl("--data-binary", `@${file}`, ...where), digest);
		}
		// One connection for both.
		const twice = ["-w", "%{num_connects}\n", "http://web/", "http://web/"];
		const pages = await curl("--unix-socket", path, ...twice);
		assert.equal(pages, "hello this host\n1\nhello this host\n0\n");
	});
});

test("no request of wrk fails, over TCP and through nginx over a Unix socket and over TCP", {
	skip: lacking("nginx", "wrk"),
}, async (t) => {
	await withServer(t, "server", async ({ path, host, folder }) => {
		const rates = { direct: 0, unix: 0, tcp: 0 };
		rates.direct = await load(`http://${host}/`);
		rates.unix = await load(`http://${await startNginx(t, folder, `unix:${path}`)}/`);
		rates.tcp = await load(`http://${await startNginx(t, folder, host)}/`);
		const { direct, unix, tcp } = rates;
		t.diagnostic(
			`requests/s: ${direct} by TCP, through nginx ${unix} by its Unix socket, ${tcp} by TCP`,
		);
		assert.ok(Math.min(direct, unix, tcp) > 0);
	});
});

for (const framework of ["express", "fastify"]) {
	test(`${framework} as it is serves on our listeners`, { skip: lacking("curl") }, async (t) => {
		await withServer(t, framework, async ({ path, host }) => {
			const json = ["-H", "content-type: application/json", "-d", "[1, 2, 39]"];
			for (const where of [[`http://${host}`], ["--unix-socket", path, "http://web"]]) {
				const base = where.pop();
				assert.equal(await curl(...where, `${base}/hello/anna`), '{"hello":"anna"}');
				assert.equal(await curl(...where, ...json, `${base}/sum`), '{"sum":42}');
				const none = ["-o", "/dev/null", "-w", "%{http_code}", `${base}/none`];
				const { stdout } = await startPeer("curl", ["-s", ...where, ...none]).ended;
				assert.equal(stdout, "404");
			}
		});
	});
}
