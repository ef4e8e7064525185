/** Restarts of relays that serve datagrams and messages. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import {
	connect,
	type Datagrams,
	datagrams,
	formatAddress,
	type Listener,
	listen,
	type PacketStream,
} from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lineLike } from "../support/programs.ts";
import { end, endsWith, type Running, start } from "./takeovers.ts";

test("datagrams: requests under way are answered by the old relay, and the next ones by the new", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams("udp://127.0.0.1:0");
		const to = formatAddress(far.address);
		const pair = `udp://127.0.0.1:0=${to}`;
		const args = ["relay", pair, "--takeover", `${folder}/control`];
		const first = await start(args);
		const [near = ""] = first.addresses;
		const client = (await datagrams(undefined, { connect: near })) as Datagrams;
		await client.send("before");
		const { from } = await far.receive(PATIENT);
		const second = await start(args);
		assert.deepEqual(second.addresses, [near]);
		await lineLike(first, /has taken over/);
		await far.send("answer", from);
		assert.equal(String((await client.receive(PATIENT)).data), "answer");
		await client.send("after");
		const next = await far.receive(PATIENT);
		assert.equal(String(next.data), "after");
		await far.send("another", next.from);
		assert.equal(String((await client.receive(PATIENT)).data), "another");
		// It would stay until its session has been silent for a minute.
		assert.equal(first.process.exitCode, null);
		await end(first);
		await end(second);
		await Promise.all([far.close(), client.close()]);
	});
});

test("of requests by datagrams none is lost over restarts", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams("udp://127.0.0.1:0");
		const answering = (async () => {
			for await (const { data, from } of far) await far.send(data, from);
		})();
		const pair = `udp://127.0.0.1:0=${formatAddress(far.address)}`;
		const args = ["relay", pair, "--takeover", `${folder}/control`];
		const old: Running[] = [];
		let serving = await start(args);
		const client = (await datagrams(undefined, {
			connect: serving.addresses[0] ?? "",
		})) as Datagrams;
		let isOver = false;
		let answers = 0;
		const asking = (async () => {
			for (; !isOver; answers++) {
				await client.send(`${answers}`);
				assert.equal(String((await client.receive(PATIENT)).data), `${answers}`);
			}
		})();
		for (let i = 0; i < 5; i++) {
			const seen = answers;
			old.push(serving);
			serving = await start(args);
			while (answers < seen + 20) await new Promise(setImmediate);
		}
		isOver = true;
		await asking;
		for (const each of [...old, serving]) await end(each);
		await Promise.all([far.close(), client.close(), answering]);
	});
});

test("an old relay leaves with 0 once its sessions of datagrams have been silent", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams("udp://127.0.0.1:0");
		const pair = `udp://127.0.0.1:0=${formatAddress(far.address)}`;
		const args = ["relay", pair, "--takeover", `${folder}/control`, "--idle", "100ms"];
		const first = await start(args);
		const client = (await datagrams(undefined, { connect: first.addresses[0] ?? "" })) as Datagrams;
		await client.send("hello");
		await far.receive(PATIENT);
		const second = await start(args);
		await endsWith(first, 0);
		await end(second);
		await Promise.all([far.close(), client.close()]);
	});
});

test("messages over connections and Unix datagrams are taken over too", async () => {
	await inFolder(async (folder) => {
		const far = (await listen(`unix-seqpacket:${folder}/far`)) as Listener<PacketStream>;
		const farther = await datagrams(`unix-dgram:${folder}/farther`);
		const serving = [
			(async () => {
				for await (const packets of far) {
					for await (const message of packets) await packets.send(message);
					await packets.close();
				}
			})(),
			(async () => {
				for await (const { data, from } of farther) await farther.send(data, from);
			})(),
		];
		const pairs = [
			`unix-seqpacket:${folder}/a=unix-seqpacket:${folder}/far`,
			`unix-dgram:${folder}/b=unix-dgram:${folder}/farther`,
		];
		const args = ["relay", ...pairs, "--takeover", `@takeover-${process.pid}`];
		const first = await start(args, 2);
		const second = await start(args, 2);
		await endsWith(first, 0);
		const packets = (await connect(`unix-seqpacket:${folder}/a`)) as PacketStream;
		await packets.send("hello");
		assert.equal(String(await packets.receive(PATIENT)), "hello");
		await packets.close();
		const client = await datagrams(`unix-dgram:${folder}/client`, {
			connect: `unix-dgram:${folder}/b`,
		});
		await client.send("hello");
		assert.equal(String((await client.receive(PATIENT)).data), "hello");
		await client.close();
		await end(second);
		assert.deepEqual([existsSync(`${folder}/a`), existsSync(`${folder}/b`)], [false, false]);
		far.close();
		await farther.close();
		await Promise.all(serving);
	});
});
