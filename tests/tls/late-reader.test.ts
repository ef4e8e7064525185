import assert from "node:assert/strict";
import { test } from "node:test";
import { turns } from "#src/testing/expectations.ts";
import { overTcp, VERSIONS } from "./pairs.ts";

const BYTES = 300_000;

for (const version of VERSIONS) {
	test(`who has ended writing and reads late has everything that came before the end (${version})`, async () => {
		const [client, server] = await overTcp(version);
		await server.closeWrite();
		await client.write(Buffer.alloc(BYTES, 1));
		await client.closeWrite();
		const closing = client.close();
		let bytes = 0;
		for await (const chunk of server) {
			bytes += chunk.length;
			// Long enough for the end to come meanwhile.
			await turns(100);
		}
		assert.equal(bytes, BYTES);
		await Promise.all([closing, server.close()]);
	});
}
