/** Credentials across namespaces: numbers that one side does not have. */
import assert from "node:assert/strict";
import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, listen, type PeerCredentials } from "socketry";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { call, endServer, NOBODY, needsNamespaces, STRANGER, startServer } from "./callers.ts";

/** Nobody has a number. */
const UNMAPPED = ["unshare", "-U"];
/** Root has one. */
const ROOT_ALONE = ["unshare", "-U", "-r"];
const OWN_PIDS = ["unshare", "-p", "-f", "--kill-child=KILL"];

describe("credentials across namespaces", { skip: needsNamespaces }, () => {
	test("a process that the PID namespace does not show has the number 0", async () => {
		const address = `unix:${abstractName()}`;
		const server = await startServer({ address, tells: true }, OWN_PIDS);
		const stream = await connect(address as `unix:${string}`);
		// From outside, the one inside has a number.
		assert.ok(stream.peerCredentials.pid > 0);
		const told = JSON.parse(String(await stream.read())) as PeerCredentials;
		assert.deepEqual([told.pid, told.uid], [0, 0]);
		await stream.close();
		await endServer(server);
	});

	test("a user without a number in the user namespace is 65534, and so are its groups", async () => {
		const address = `unix:${abstractName()}`;
		const server = await startServer({ address, tells: true, users: [0] }, ROOT_ALONE);
		assert.equal(await call({ address, uid: STRANGER, groups: [1, 2] }), null);
		const told = JSON.parse(
			String(await call({ address, groups: [1], uid: 0 })),
		) as PeerCredentials;
		assert.deepEqual([told.uid, told.gid, told.groups], [0, 0, [NOBODY]]);
		await endServer(server);
	});

	test("those who have no number are not taken for each other by sameUser()", async () => {
		const address = `unix:${abstractName()}`;
		const server = await startServer({ address }, UNMAPPED);
		assert.equal(await call({ address, uid: STRANGER }), null);
		assert.equal(await call({ address, uid: NOBODY }), null);
		await endServer(server);
	});

	test("nor by the name or number of the user nobody", async () => {
		for (const user of ["nobody", NOBODY]) {
			const address = `unix:${abstractName()}`;
			for (const namespace of [UNMAPPED, ROOT_ALONE]) {
				await assert.rejects(
					startServer({ address, users: [user] }, namespace),
					/must be a user of this user namespace, where 65534 stands for all/,
				);
			}
			// Where everybody has a number it is a user like others.
			const server = await startServer({ address, users: [user] });
			assert.equal(await call({ address, uid: NOBODY }), "hello");
			assert.equal(await call({ address, uid: STRANGER }), null);
			await endServer(server);
		}
	});

	test("an owner without a number is no proof", async () => {
		await inFolder(async (folder) => {
			chmodSync(folder, 0o755);
			const listener = await listen(`unix:${folder}/s`, { mode: 0o666 });
			chownSync(join(folder, "s"), STRANGER, STRANGER);
			for (const [owner, code] of [
				[NOBODY, "ERR_INVALID_ARG_VALUE"],
				["self", "ERR_INVALID_ARG_VALUE"],
				[0, "ERR_PEER_NOT_ALLOWED"],
				[STRANGER, "ERR_PEER_NOT_ALLOWED"],
			] as const) {
				const refused = await call({ address: `unix:${folder}/s`, options: { owner } }, UNMAPPED);
				assert.equal((refused as { code: string }).code, code);
			}
			assert.equal(listener.acceptedCount, 0);
			listener.close();
		});
	});
});
