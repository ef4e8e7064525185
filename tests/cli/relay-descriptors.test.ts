import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { datagrams } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { startOurs } from "./talk.ts";

test("descriptors go along with Unix datagrams both ways, and not with --no-descriptors", async () => {
	for (const args of [[], ["--no-descriptors"]]) {
		const passes = args.length === 0;
		await inFolder(async (folder) => {
			const options = { receiveDescriptors: true } as const;
			const far = await datagrams(`unix-dgram:${folder}/far`, options);
			const near = `unix-dgram:${folder}/near`;
			const relay = startOurs(["relay", near, `unix-dgram:${folder}/far`, ...args]);
			await relay.said(/listening/);
			const client = await datagrams(`unix-dgram:${folder}/client`, { connect: near, ...options });
			const file = openSync("/dev/null", "r");
			await client.send("there", undefined, { descriptors: [file, file] });
			const there = await far.receive(PATIENT);
			await far.send("back", there.from, { descriptors: [file] });
			const back = await client.receive(PATIENT);
			const kinds = [there, back].map(({ descriptors = [] }) =>
				descriptors.map(({ kind }) => kind),
			);
			const device = "character-device";
			assert.deepEqual(kinds, passes ? [[device, device], [device]] : [[], []]);
			for (const { descriptors = [] } of [there, back])
				for (const each of descriptors) each.close();
			closeSync(file);
			relay.process.kill("SIGTERM");
			assert.equal((await relay.ended).code, 143);
			await Promise.all([far.close(), client.close()]);
		});
	}
});
