/** PostgreSQL and Redis, asked by unmodified `pg` and `ioredis` on our streams, over TCP and over their Unix sockets. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Child, startChild } from "../support/children.ts";
import { LACKING_POSTGRES, withPostgres } from "../support/postgres.ts";
import { example, lacking, lineLike, startPeer } from "../support/programs.ts";
import { LACKING_REDIS, withRedis } from "../support/redis.ts";

async function compare(
	t: TestContext,
	name: string,
	{ port, path }: { readonly port: number; readonly path: string },
): Promise<void> {
	const args = [name, `${port}`, path];
	const { code, stdout, stderr } = await startChild(example("database/compare.ts"), { args }).ended;
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
	const [difference = "", ...lines] = stdout.trim().split("\n").reverse();
	for (const line of [...lines, difference]) t.diagnostic(`${name} by ${line}`);
	const names = lines
		.reverse()
		.map((line) => /^(\w+, [\w:]+): [1-9]\d* per second/.exec(line)?.[1]);
	const expected = ["TCP, socketry", "TCP, node:net", "Unix, socketry", "Unix, node:net"];
	assert.deepEqual(names, expected);
	assert.match(
		difference,
		/^Unix in [1-9]\d* % of the time of TCP on socketry, [1-9]\d* % on node:net$/,
	);
}

test("pg asks PostgreSQL on our streams, over TCP and over its Unix socket", {
	skip: LACKING_POSTGRES,
}, async (t) => {
	await withPostgres((server) => compare(t, "postgres", server));
});

test("ioredis asks Redis on our streams, over TCP and over its Unix socket", {
	skip: LACKING_REDIS,
}, async (t) => {
	await withRedis((server) => compare(t, "redis", server));
});

test("a page loads from PostgreSQL over its Unix socket and over TCP, also under the load of wrk", {
	skip: LACKING_POSTGRES || lacking("curl", "wrk"),
}, async (t) => {
	await withPostgres(async ({ port, path }) => {
		const rates: Record<string, number> = {};
		const pages: { kind: string; url: string; server: Child }[] = [];
		for (const database of [`unix:${path}`, `tcp://127.0.0.1:${port}`]) {
			const args = ["tcp://127.0.0.1:0", database];
			const server = startChild(example("database/page.ts"), { args });
			t.after(() => server.process.kill("SIGKILL"));
			const [, host] = await lineLike(server, /^serving tcp:\/\/(.*)$/);
			const [kind, url] = [database.slice(0, database.indexOf(":")), `http://${host}/`];
			const signed = await startPeer("curl", ["-sS", "-d", `<b>${kind}`, url]).ended;
			assert.match(signed.stdout, new RegExp(`<p>&lt;b&gt;${kind}\n`));
			pages.push({ kind, url, server });
		}
		// In turns, and the better of two: what else the machine does can only take away.
		for (const { kind, url } of [...pages, ...pages]) {
			const wrk = await startPeer("wrk", ["-t1", "-c16", "-d1s", "--timeout", "60s", url]).ended;
			assert.doesNotMatch(wrk.stdout, /Socket errors|Non-2xx/);
			const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(wrk.stdout)?.[1]);
			rates[kind] = Math.max(rates[kind] ?? 0, rate);
		}
		for (const { server } of pages) {
			server.process.kill("SIGTERM");
			const { code, stderr } = await server.ended;
			assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
		}
		const { unix = 0, tcp = 0 } = rates;
		t.diagnostic(`pages/s: ${unix} with the database's Unix socket, ${tcp} with TCP`);
		assert.ok(Math.min(unix, tcp) > 0);
	});
});
