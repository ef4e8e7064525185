/** PostgreSQL with TLS: asked for in the clear (SSLRequest), begun by `startTls`, used by an unmodified `pg`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { connect, type Stream } from "socketry";
import { toDuplex } from "socketry/node";
import { startTls } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { LACKING_POSTGRES, speakingTls, withPostgres } from "../support/postgres.ts";

const authority = new Authority();
const identity = authority.issue({ dns: ["db.example"] });

/** Asks for TLS: a message of eight bytes with the code 80877103. The server answers by one byte. */
async function requestTls(port: number): Promise<Stream> {
	const plain = await connect(`tcp://127.0.0.1:${port}`);
	await plain.write(Buffer.from("0000000804d2162f", "hex"));
	assert.equal(String(await plain.readExactly(1)), "S");
	return plain;
}

test("PostgreSQL agrees on TLS, and pg asks it over our stream", {
	skip: LACKING_POSTGRES,
}, async () => {
	await withPostgres(
		async ({ port, user }) => {
			const tls = { ca: authority.cert };
			const secure = await startTls(await requestTls(port), { servername: "db.example", tls });
			assert.deepEqual(secure.peerCertificate?.dnsNames, ["db.example"]);
			const client = new Client({ user, database: "postgres", stream: () => toDuplex(secure) });
			await client.connect();
			const asked = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
			const { rows } = await client.query(asked);
			assert.deepEqual(rows, [{ ssl: true, version: secure.protocol }]);
			const large = await client.query("SELECT repeat('x', 4000000) AS text");
			assert.equal(large.rows[0].text.length, 4_000_000);
			await client.end();
			const other = startTls(await requestTls(port), { servername: "other.example", tls });
			await assert.rejects(other, { code: "ERR_TLS", reason: "name" });
		},
		{ prepare: speakingTls(identity) },
	);
});
