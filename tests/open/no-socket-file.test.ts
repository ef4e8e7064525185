/** Who asks for permissions shall not believe that they are in force where there is no file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { datagrams, listen } from "socketry";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { assertRefuses } from "../support/refusals.ts";

const REFUSED = { code: "ERR_INVALID_ARG_VALUE", message: /no socket file/ };
const ACCESS = [{ mode: 0o600 }, { owner: 0 }, { group: 0 }] as const;

test("mode, owner and group are refused for an address that has no file", async () => {
	const connected = ["tcp://127.0.0.1:0", "tcp://*:0", `unix:${abstractName()}`, "vsock://1:0"];
	for (const options of ACCESS) {
		for (const address of connected) await assertRefuses(() => listen(address, options), REFUSED);
		for (const address of ["udp://127.0.0.1:0", "udp://*:0", `unix-dgram:${abstractName()}`]) {
			await assertRefuses(() => datagrams(address, options), REFUSED);
		}
	}
});

test("they are taken for a path, and options that protect nothing for any address", async () => {
	await inFolder(async (folder) => {
		const own = { mode: 0o600, owner: process.geteuid?.() ?? 0, group: process.getegid?.() ?? 0 };
		const listener = await listen(`unix:${folder}/s`, own);
		const socket = await datagrams(`unix-dgram:${folder}/d`, own);
		await socket.close();
		listener.close();
	});
	const listener = await listen("tcp://127.0.0.1:0", { onStale: "replace-dead" });
	assert.ok(listener.address.port > 0);
	listener.close();
});
