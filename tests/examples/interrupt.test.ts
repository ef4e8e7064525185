/** Servers among the examples end when they are interrupted, and leave nothing behind. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ssh2 from "ssh2";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { example } from "../support/programs.ts";

const { private: HOST_KEY, public: USER_KEY } = ssh2.utils.generateKeyPairSync("ed25519");

/** By example: its arguments, with FOLDER for a folder that is its own. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
	"chat/server.ts": ["unix:FOLDER/chat.sock"],
	"dns/serve.ts": ["127.0.0.1", "0"],
	"game/line.ts": ["udp://127.0.0.1:0", "udp://127.0.0.2:9", "udp://127.0.0.3:9"],
	"game/server.ts": ["udp://127.0.0.1:0"],
	"handover-echo/server.ts": ["unix-seqpacket:FOLDER/post", "unix:FOLDER/echo.sock"],
	"handover-http/server.ts": ["unix-seqpacket:FOLDER/post", "unix:FOLDER/http.sock"],
	"media-relay/relay.ts": ["udp://127.0.0.1:0", "udp://127.0.0.1:9"],
	"opentelemetry/serve.ts": ["unix:FOLDER/echo.sock"],
	"ssh/server.ts": ["FOLDER/../host", "FOLDER/../user", "unix:FOLDER/ssh.sock"],
	"statsd/receive.ts": ["unix-dgram:FOLDER/statsd.sock"],
	"web/express.ts": ["unix:FOLDER/web.sock"],
	"web/fastify.ts": ["unix:FOLDER/web.sock"],
	"web/server.ts": ["unix:FOLDER/web.sock"],
};

for (const [name, args] of Object.entries(SERVERS)) {
	test(`${name} ends on Ctrl-C, and leaves no file`, async () => {
		await inFolder(async (top) => {
			const folder = join(top, "run");
			mkdirSync(folder);
			writeFileSync(join(top, "host"), HOST_KEY);
			writeFileSync(join(top, "user"), USER_KEY);
			const given = args.map((each) => each.replace("FOLDER", folder));
			const server = startChild(example(name), { args: given });
			await server.line();
			server.process.kill("SIGINT");
			const { code, signal, stderr } = await server.ended;
			assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
			assert.deepEqual(readdirSync(folder), []);
		});
	});
}
