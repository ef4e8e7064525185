/** PostgreSQL lets in by the credentials of a Unix socket (`peer`, SO_PEERCRED), and is held to its own user by `owner`. */
import assert from "node:assert/strict";
import { chownSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "socketry";
import { type Child, runChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { lacking, lineLike, startPeer, stop } from "../support/programs.ts";

const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;
/** The server does not run as root. */
const SERVER = isRoot
	? { name: "nobody", uid: NOBODY }
	: { name: userInfo().username, uid: userInfo().uid };
const UNDER = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
const CLIENT = new URL("./postgresql-client.child.js", import.meta.url);

async function withServer(body: (path: string) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		if (isRoot) chownSync(folder, NOBODY, NOBODY);
		const data = join(folder, "data");
		const made = await startPeer(
			"initdb",
			["-D", data, "-A", "peer", "-U", SERVER.name, "-N", "--no-locale", "-E", "UTF8"],
			{ under: UNDER },
		).ended;
		assert.equal(made.code, 0, made.stderr);
		const settings = ["listen_addresses=", "fsync=off", "shared_buffers=1MB", "max_connections=8"];
		const server: Child = startPeer(
			"postgres",
			["-D", data, "-k", folder, ...settings.flatMap((setting) => ["-c", setting])],
			{ under: UNDER, lines: "stderr" },
		);
		try {
			await lineLike(server, /ready to accept connections/);
			await body(join(folder, ".s.PGSQL.5432"));
		} finally {
			await stop(server, "SIGINT");
		}
	});
}

async function ask(path: string, role: string, user?: number): Promise<string> {
	const args = [path, String(SERVER.uid), role, ...(user === undefined ? [] : [String(user)])];
	const { code, stdout, stderr } = await runChild(CLIENT, { args });
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
	return stdout.trim();
}

test("PostgreSQL knows our user by `peer` authentication, and we its", {
	skip: lacking("initdb", "postgres", "setpriv"),
}, async () => {
	await withServer(async (path) => {
		const right = isRoot ? NOBODY : undefined;
		assert.match(await ask(path, SERVER.name, right), new RegExp(`^let in as ${SERVER.name}$`));
		// The right user by another name, and another user by the right one.
		const failed = /^refused: 28000 Peer authentication failed for user /;
		assert.match(await ask(path, "somebody-else", right), failed);
		if (isRoot) assert.match(await ask(path, SERVER.name), failed);
		const other = SERVER.uid + 1;
		await assert.rejects(connect(`unix:${path}`, { owner: other }), {
			code: "ERR_PEER_NOT_ALLOWED",
			expected: [other],
			found: SERVER.uid,
		});
	});
});
