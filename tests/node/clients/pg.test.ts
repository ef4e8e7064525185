/** The unmodified `pg` over streams of ours, against a PostgreSQL server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import pg from "pg";
import { connect } from "socketry";
import { connectDuplex, toDuplex } from "socketry/node";
import { LACKING_POSTGRES, type PostgresServer, withPostgres } from "../../support/postgres.ts";
import { makeCertificate } from "../certificate.ts";

type Streams = (server: PostgresServer) => () => Duplex;

const WAYS: readonly [name: string, streams: Streams][] = [
	[
		"TCP",
		({ port }) =>
			() =>
				connectDuplex(`tcp://127.0.0.1:${port}`),
	],
	[
		"a Unix socket",
		({ path }) =>
			() =>
				connectDuplex(`unix:${path}`),
	],
	["what pg itself connects to", () => () => connectDuplex()],
];

function configOf(server: PostgresServer, stream: () => Duplex): pg.ClientConfig {
	const { port, user } = server;
	return { host: "127.0.0.1", port, user, database: "postgres", stream } as pg.ClientConfig;
}

/** Ends a pool, and waits until its connections have ended, which the promise of `end()` does not: a server that stops meanwhile would tell them. */
async function endPool(pool: pg.Pool): Promise<void> {
	let left = pool.totalCount;
	const ended = new Promise<void>((resolve) => {
		pool.on("remove", () => --left === 0 && resolve());
	});
	await Promise.all([pool.end(), ended]);
}

test("pg", { skip: LACKING_POSTGRES }, async (t) => {
	await withPostgres(async (server) => {
		for (const [name, streams] of WAYS) {
			await t.test(`queries, large results, errors and notifications over ${name}`, async () => {
				const client = new pg.Client(configOf(server, streams(server)));
				await client.connect();
				const { rows } = await client.query("select $1::int + 1 as sum, $2 as text", [
					41,
					"\u20ac",
				]);
				assert.deepEqual(rows, [{ sum: 42, text: "\u20ac" }]);
				const large = await client.query(
					"select repeat('x', 2000000) as x from generate_series(1, 5)",
				);
				assert.equal(
					large.rows.reduce((sum, { x }) => sum + x.length, 0),
					10_000_000,
				);
				const sent = "y".repeat(3_000_000);
				const { rows: lengths } = await client.query("select length($1) as n", [sent]);
				assert.equal(lengths[0].n, sent.length);
				await assert.rejects(client.query("select nonsense"), { code: "42703" });
				await client.query("listen news");
				const told = once(client, "notification");
				await client.query("notify news, 'hello'");
				assert.equal((await told)[0].payload, "hello");
				await client.end();
			});

			await t.test(`a pool under load over ${name}`, async () => {
				const pool = new pg.Pool({ ...configOf(server, streams(server)), max: 8 });
				const queries = Array.from({ length: 400 }, (_, i) =>
					pool.query("select $1::int as i", [i]),
				);
				const answers = await Promise.all(queries);
				assert.ok(answers.every(({ rows }, i) => rows[0].i === i));
				await endPool(pool);
			});
		}

		await t.test("a stream that is connected already", async () => {
			const stream = await connect(`unix:${server.path}`);
			const client = new pg.Client(configOf(server, () => toDuplex(stream)));
			await client.connect();
			assert.equal((await client.query("select 1 as one")).rows[0].one, 1);
			await client.end();
			assert.equal(stream.closed, true);
		});

		await t.test("nobody there, and a server that ends the connection, are errors", async () => {
			const nobody = new pg.Client(configOf(server, () => connectDuplex("unix:/nonexistent/x")));
			await assert.rejects(nobody.connect(), { code: "ENOENT" });
			const client = new pg.Client(configOf(server, () => connectDuplex(`unix:${server.path}`)));
			client.on("error", () => undefined);
			await client.connect();
			const { rows } = await client.query("select pg_backend_pid() as pid");
			const other = new pg.Client(configOf(server, () => connectDuplex(`unix:${server.path}`)));
			await other.connect();
			const ended = new Promise<void>((resolve) => client.once("end", resolve));
			await other.query("select pg_terminate_backend($1)", [rows[0].pid]);
			await ended;
			await assert.rejects(client.query("select 1"));
			await Promise.all([client.end(), other.end()]);
		});
	});
});

test("pg with TLS", { skip: LACKING_POSTGRES }, async (t) => {
	const certificate = makeCertificate();
	const prepare = (folder: string): string[] => {
		const files = { "server.key": certificate.key, "server.crt": certificate.cert };
		for (const [name, text] of Object.entries(files)) {
			writeFileSync(join(folder, name), text);
			chmodSync(join(folder, name), 0o600);
			if (process.geteuid?.() === 0) chownSync(join(folder, name), 65_534, 65_534);
		}
		const paths = [`ssl_cert_file=${folder}/server.crt`, `ssl_key_file=${folder}/server.key`];
		return ["ssl=on", ...paths];
	};
	await withPostgres(
		async (server) => {
			await t.test("begins on a stream that has spoken in the clear", async () => {
				const stream = (): Duplex => connectDuplex(`tcp://127.0.0.1:${server.port}`);
				const ssl = { ca: certificate.ca, servername: "localhost" };
				const pool = new pg.Pool({ ...configOf(server, stream), ssl, max: 4 });
				const text =
					"select ssl, repeat('z', 500000) as z from pg_stat_ssl where pid = pg_backend_pid()";
				const answers = await Promise.all(Array.from({ length: 40 }, () => pool.query(text)));
				assert.ok(
					answers.every(({ rows }) => rows[0].ssl === true && rows[0].z.length === 500_000),
				);
				await endPool(pool);
			});
		},
		{ prepare },
	);
});
