/** Sockets that are files: under which path they are listed, whatever has become of it. */
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { listSockets } from "socketry/list";
import { socket as makeSocket } from "socketry/socket";
import { inFolder } from "../support/folder.ts";
import { MINE, mine, one } from "./own-sockets.ts";

test("a file that was bound by a relative path is listed where it is, and by its name alone when it is not found there", async () => {
	await inFolder(async (folder) => {
		const before = process.cwd();
		try {
			process.chdir(folder);
			using listener = makeSocket("unix", "stream");
			listener.bind({ family: "unix", path: "./bound" });
			listener.listen();
			const paths = [folder];
			const [found] = (await listSockets({ ...MINE, paths })).sockets;
			assert.deepEqual([found?.local, found?.file], [`unix:${folder}/bound`, "there"]);
			process.chdir("/");
			const { sockets } = await listSockets({ ...MINE, states: ["listening"] });
			assert.ok(sockets.some(({ local, file }) => local === "unix:./bound" && file === undefined));
		} finally {
			process.chdir(before);
		}
	});
});

test("a file that was removed, replaced or renamed under a listener is told", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "s");
		const address = `unix:${path}` as const;
		const first = await listen(address);
		renameSync(path, join(folder, "moved"));
		const client = await connect(`unix:${join(folder, "moved")}`);
		const server = await first.accept();
		const moved = one(await mine(), (each) => each.state === "listening");
		assert.deepEqual([moved.local, moved.file], [`unix:${join(folder, "moved")}`, "there"]);
		const near = one(await mine(), (each) => each.peer?.address === moved.local);
		assert.equal(near.peer?.holders[0]?.pid, process.pid);
		rmSync(join(folder, "moved"));
		const gone = one(await mine(), (each) => each.state === "listening");
		assert.deepEqual([gone.local, gone.file], [address, "gone"]);
		const second = await listen(address);
		const files = (await mine()).filter(
			({ local, state }) => local === address && state === "listening",
		);
		assert.deepEqual(files.map(({ file }) => file).sort(), ["replaced", "there"]);
		for (const stream of [client, server]) stream.abort();
		second.close();
		first.close();
	});
});

test("a listener is listed by the path that it was asked for: put in place at once, or beyond 107 bytes", async () => {
	await inFolder(async (folder) => {
		const long = join(folder, "x".repeat(100), "s");
		mkdirSync(join(folder, "x".repeat(100)));
		for (const [path, options] of [
			[join(folder, "s"), { onStale: "replace", mode: 0o600 }],
			[long, {}],
			[long, { onStale: "replace" }],
		] as const) {
			const listener = await listen(`unix:${path}`, options);
			const listed = one(await mine(), (each) => each.state === "listening");
			assert.deepEqual([listed.local, listed.file], [`unix:${path}`, "there"]);
			listener.close();
		}
	});
});
