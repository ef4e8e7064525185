/** Code that was written for an edge runtime runs: `pg` with PostgreSQL, by its adapter for Cloudflare Workers. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Authority } from "../support/certificates.ts";
import { runChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { LACKING_POSTGRES, speakingTls, withPostgres } from "../support/postgres.ts";

const CHILD = new URL("./cloudflare.child.js", import.meta.url);
const authority = new Authority();

test("pg finds our sockets in the place of cloudflare:sockets, and PostgreSQL, in the clear and by startTls()", {
	skip: LACKING_POSTGRES,
}, async () => {
	const prepare = speakingTls(authority.issue({ ips: ["127.0.0.1"] }));
	await inFolder(async (folder) => {
		const ca = join(folder, "ca.pem");
		writeFileSync(ca, authority.cert);
		await withPostgres(
			async ({ port, user }) => {
				for (const manner of ["plain", "tls"]) {
					const { code, stdout, stderr } = await runChild(CHILD, {
						flags: ["--conditions=workerd", "--no-warnings"],
						args: [`${port}`, user, manner],
						env: { NODE_EXTRA_CA_CERTS: ca },
					});
					assert.equal(code, 0, stderr);
					const { adapter, ssl, version, lengths } = JSON.parse(stdout);
					assert.equal(adapter, "CloudflareSocket");
					assert.deepEqual([ssl, version !== null], [manner === "tls", manner === "tls"]);
					assert.deepEqual(lengths, [4_000_000, 3_000_000]);
				}
			},
			{ prepare },
		);
	});
});
