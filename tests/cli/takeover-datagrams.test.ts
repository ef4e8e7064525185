/** Restarts of relays that serve datagrams and messages. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import {
	type Address,
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
import { end, endsWith, type Running, start } from "./takeovers.ts";

test("conversations by datagrams go on over restarts, from the same port, and the old relay ends", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams("udp://127.0.0.1:0");
		const pair = `udp://127.0.0.1:0=${formatAddress(far.address)}`;
		const args = ["relay", pair, "--takeover", `${folder}/control`];
		let serving = await start(args);
		const [near = ""] = serving.addresses;
		const talks: { readonly client: Datagrams; readonly port: Address }[] = [];
		for (let i = 0; i < 3; i++) {
			const client = (await datagrams(undefined, { connect: near })) as Datagrams;
			await client.send("before");
			talks.push({ client, port: (await far.receive(PATIENT)).from });
		}
		for (const word of ["once", "twice"]) {
			const next = await start(args);
			assert.deepEqual(next.addresses, [near]);
			for (const { client, port } of talks) {
				// Whoever has its session at this moment.
				await far.send(`answered ${word}`, port);
				assert.equal(String((await client.receive(PATIENT)).data), `answered ${word}`);
			}
			await endsWith(serving, 0);
			serving = next;
			for (const { client, port } of talks) {
				await client.send(word);
				const { data, from } = await far.receive(PATIENT);
				assert.deepEqual([String(data), from], [word, port]);
				await far.send("another", from);
				assert.equal(String((await client.receive(PATIENT)).data), "another");
			}
		}
		await end(serving);
		await Promise.all([far, ...talks.map(({ client }) => client)].map((each) => each.close()));
	});
});

test("sessions that were taken over count for --max of the new relay", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams("udp://127.0.0.1:0");
		const pair = `udp://127.0.0.1:0=${formatAddress(far.address)}`;
		const args = ["relay", pair, "--takeover", `${folder}/control`, "--max", "2"];
		const first = await start(args);
		const [near = ""] = first.addresses;
		const open = async (): Promise<Datagrams> =>
			(await datagrams(undefined, { connect: near })) as Datagrams;
		const clients = [await open(), await open(), await open()];
		const said = async (client: number): Promise<string> => {
			await clients[client]?.send(`${client}`);
			return String((await far.receive(PATIENT)).data);
		};
		assert.deepEqual([await said(0), await said(1)], ["0", "1"]);
		const second = await start(args);
		await endsWith(first, 0);
		// The third one has no place, and those that came before have theirs.
		await clients[2]?.send("no place");
		for (let round = 0; round < 3; round++) {
			assert.deepEqual([await said(0), await said(1)], ["0", "1"]);
		}
		await end(second);
		for (const each of [far, ...clients]) await each.close();
	});
});

test("sessions of a FROM that the new relay has not end with the old one", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams("udp://127.0.0.1:0");
		const to = formatAddress(far.address);
		const control = ["--takeover", `${folder}/control`];
		const first = await start(["relay", `udp://127.0.0.1:0=${to}`, ...control]);
		const client = (await datagrams(undefined, { connect: first.addresses[0] ?? "" })) as Datagrams;
		await client.send("hello");
		await far.receive(PATIENT);
		const second = await start(["relay", `udp://127.0.0.2:0=${to}`, ...control]);
		await endsWith(first, 0);
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
		for (const each of old) await endsWith(each, 0);
		await end(serving);
		await Promise.all([far.close(), client.close(), answering]);
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
