import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { test } from "node:test";
import {
	connect,
	type Datagrams,
	datagrams,
	LIMITS,
	type Listener,
	listen,
	type PacketStream,
	type Stream,
} from "socketry";
import { drain, type Handover, takeOver } from "socketry/handover";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT } from "../support/patience.ts";

/** Runs `body` with a place for a post, after which nothing may be open. */
async function withPost(
	body: (post: `unix-seqpacket:${string}`, folder: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const before = openResources();
		await body(`unix-seqpacket:${folder}/post`, folder);
		assert.deepEqual(readdirSync(folder), []);
		await assertNoLeaks(before);
	});
}

async function pass(listener: Listener<Stream>): Promise<void> {
	const { address } = listener;
	const [client, server] = await Promise.all([
		connect(address as { transport: "tcp"; host: string; port: number }, PATIENT),
		listener.accept(PATIENT),
	]);
	await client.write("x");
	assert.equal(String(await server.read(PATIENT)), "x");
	await Promise.all([client.close(), server.close()]);
}

test("every kind of socket goes from one process to the next, with its address and its file", async () => {
	await withPost(async (post, folder) => {
		const name = abstractName();
		const sockets = {
			tcp: "tcp://127.0.0.1:0",
			six: { address: "tcp://[::1]:0", backlog: 7 },
			everywhere: { transport: "tcp", host: "*", port: 0 },
			file: { address: `unix:${folder}/file`, mode: 0o640 },
			abstract: `unix:${name}`,
			packets: `unix-seqpacket:${folder}/packets`,
			udp: "udp://127.0.0.1:0",
			notes: `unix-dgram:${folder}/notes`,
		} as const;
		const first = await takeOver(post, { sockets });
		assert.equal(first.predecessorPid, undefined);
		assert.equal(first.state, undefined);
		const old = await first.ready();
		assert.equal(statSync(`${folder}/post`).mode & 0o777, 0o600);
		const inodes = ["file", "packets", "notes", "post"].map(
			(each) => statSync(`${folder}/${each}`).ino,
		);

		const offer = first.offer({ state: () => "what was" });
		const second = await takeOver(post, { sockets });
		assert.equal(second.predecessorPid, process.pid);
		assert.equal(String(second.state), "what was");
		await pass(old.tcp);
		const now = await second.ready();
		assert.deepEqual(await offer, { pid: process.pid, movedCount: 0, lostCount: 0 });

		for (const each of ["tcp", "six", "everywhere", "file", "abstract"] as const) {
			assert.ok(old[each].closed, each);
			assert.deepEqual(now[each].address, old[each].address);
			await pass(now[each]);
		}
		const {
			packets,
			udp,
			notes,
		}: { packets: Listener<PacketStream>; udp: Datagrams; notes: Datagrams } = now;
		const [client, server] = await Promise.all([
			connect(packets.address, PATIENT),
			packets.accept(PATIENT),
		]);
		assert.deepEqual(client.peerCredentials.pid, process.pid);
		await Promise.all([client.close(), server.close()]);
		for (const each of [udp, notes]) {
			await using sender = await datagrams(undefined, { connect: each.address });
			await sender.send("x");
			assert.equal(String((await each.receive(PATIENT)).data), "x");
		}
		await Promise.all([old.udp.close(), old.notes.close()]);
		assert.deepEqual(
			["file", "packets", "notes", "post"].map((each) => statSync(`${folder}/${each}`).ino),
			inodes,
		);
		assert.equal(statSync(`${folder}/file`).mode & 0o777, 0o640);
		await second.close();
		for (const each of Object.values(now)) await each.close();
	});
});

test("a chain of processes hands on again and again, by path and by abstract name", async () => {
	for (const kind of ["path", "abstract"]) {
		await withPost(async (path, folder) => {
			const post = kind === "path" ? path : (`unix-seqpacket:${abstractName()}` as const);
			const sockets = { web: `unix:${folder}/web` } as const;
			let last: Handover<typeof sockets> = await takeOver(post, { sockets });
			let { web } = await last.ready();
			for (let i = 0; i < 10; i++) {
				const offer = last.offer();
				const next = await takeOver(post, { sockets });
				const inherited = await next.ready();
				await offer;
				assert.ok(web.closed);
				web = inherited.web;
				last = next;
				await pass(web);
			}
			await last.close();
			web.close();
		});
	}
});

test("what is no longer asked for is closed, what is new is opened, and names may change", async () => {
	await withPost(async (post, folder) => {
		const first = await takeOver(post, {
			sockets: { gone: `unix:${folder}/gone`, web: `unix:${folder}/web`, any: "tcp://127.0.0.1:0" },
		});
		const old = await first.ready();
		const offer = first.offer();
		const second = await takeOver(post, {
			sockets: {
				site: `unix:${folder}/web`,
				more: `unix:${folder}/more`,
				any: "tcp://127.0.0.1:0",
			},
		});
		assert.ok(existsSync(`${folder}/gone`), "nothing has changed yet");
		const { site, more, any } = await second.ready();
		await offer;
		assert.deepEqual(readdirSync(folder).toSorted(), ["more", "post", "web"]);
		assert.deepEqual(any.address, old.any.address);
		for (const each of [site, more, any]) await pass(each);
		await second.close();
		for (const each of [site, more, any]) each.close();
	});
});

test("sockets in great number are handed over, and a state of many chunks", async () => {
	await withPost(async (post, folder) => {
		const count = 150;
		const sockets = Object.fromEntries(
			Array.from({ length: count }, (_, i) => [`s${i}`, `unix:${folder}/${i}` as const]),
		);
		const state = Buffer.alloc(3_000_000, "state");
		const first = await takeOver(post, { sockets });
		await first.ready();
		const offer = first.offer({ state: () => state });
		const second = await takeOver(post, { sockets });
		assert.ok(state.equals(second.state ?? Buffer.of()));
		const now = await second.ready();
		await offer;
		assert.equal(Object.keys(now).length, count);
		await second.close();
		for (const each of Object.values(now)) each.close();
	});
});

test("a state that is too large fails the attempt, and says so on both sides", async () => {
	await withPost(async (post) => {
		const first = await takeOver(post, { sockets: {} });
		await first.ready();
		const failure = new Promise<Error>((resolve) => {
			const state = (): Uint8Array => new Uint8Array(LIMITS.handoverStateBytes + 1);
			first.offer({ state, onFailure: resolve }).catch(resolve);
		});
		await assert.rejects(takeOver(post, { sockets: {} }), {
			reason: "failed",
			message: /^The old process could not hand over: handoverStateBytes is 16777216, but 16777217/,
		});
		assert.equal(((await failure).cause as { code: string }).code, "ERR_LIMIT");
		await first.close();
	});
});

test("datagrams that were fetched are still received and answered by the old process, all later ones by the new one", async () => {
	await withPost(async (post) => {
		const sockets = { udp: "udp://127.0.0.1:0" } as const;
		const first = await takeOver(post, { sockets });
		const { udp } = await first.ready();
		const offer = first.offer();
		await using client = await datagrams("udp://127.0.0.1:0", { connect: udp.address });
		// Several are fetched at once, as soon as one has to be waited for no more.
		for (let i = 0; i < 40; i++) await client.send(`${i}`);
		await client.flush();
		const got: string[] = [];
		for (let i = 0; i < 3; i++) got.push(String((await udp.receive(PATIENT)).data));

		const second = await takeOver(post, { sockets });
		const inherited = (await second.ready()).udp;
		await offer;
		for await (const { data, from } of udp) {
			got.push(String(data));
			await udp.send("from the old one", from);
		}
		await udp.close();
		await client.send("last");
		for (;;) {
			const { data } = await inherited.receive(PATIENT);
			if (String(data) === "last") break;
			got.push(String(data));
		}
		assert.deepEqual(
			got,
			Array.from({ length: 40 }, (_, i) => String(i)),
		);
		await second.close();
		await inherited.close();
	});
});

test("an offer ends when the handover is closed, and there is one at a time, after ready()", async () => {
	await withPost(async (post) => {
		const handover = await takeOver(post, { sockets: { web: "tcp://127.0.0.1:0" } });
		await assert.rejects(handover.offer(), { code: "ERR_BUSY" });
		const ready = handover.ready();
		assert.equal(handover.ready(), ready);
		const { web } = await ready;
		const offer = handover.offer();
		await assert.rejects(handover.offer(), { code: "ERR_BUSY" });
		for (const wrong of [{ moveMs: -1 }, { startMs: 0 }]) {
			await assert.rejects(handover.offer(wrong), { code: "ERR_OUT_OF_RANGE" });
		}
		for (const wrong of [{ state: "x" }, { connections: [] }, { onFailure: 1 }]) {
			await assert.rejects(handover.offer(wrong as never), { code: "ERR_INVALID_ARG_TYPE" });
		}
		await Promise.all([handover.close(), handover.close()]);
		assert.equal(await offer, undefined);
		await assert.rejects(handover.offer(), { code: "ERR_CLOSED" });
		await pass(web);
		web.close();
	});
});

test("a handover that is closed before ready() closes all that it had opened or been given", async () => {
	await withPost(async (post, folder) => {
		const sockets = { web: `unix:${folder}/web` } as const;
		const handover = await takeOver(post, { sockets });
		assert.ok(existsSync(`${folder}/web`));
		await handover.close();
		assert.deepEqual(readdirSync(folder), []);
		await assert.rejects(handover.ready(), { code: "ERR_CLOSED" });
		{
			await using another = await takeOver(post, { sockets });
			assert.equal(another.predecessorPid, undefined);
		}
	});
});

test("an old process that is closed while a new one starts says so, and keeps its sockets", async () => {
	await withPost(async (post, folder) => {
		const sockets = { web: `unix:${folder}/web` } as const;
		const first = await takeOver(post, { sockets });
		const { web } = await first.ready();
		const offer = first.offer();
		const second = await takeOver(post, { sockets });
		await first.close();
		assert.equal(await offer, undefined);
		await assert.rejects(second.ready(), { code: "ERR_HANDOVER", reason: "closing" });
		await pass(web);
		web.close();
	});
});

test("another user's listener at the post is not believed", async () => {
	await withPost(async (post, folder) => {
		const stranger = await listen(post, { mode: 0o666 });
		const { chownSync } = await import("node:fs");
		if (process.getuid?.() === 0) {
			chownSync(`${folder}/post`, 65_534, 65_534);
			await assert.rejects(takeOver(post, { sockets: {} }), { code: "ERR_PEER_NOT_ALLOWED" });
		}
		stranger.close();
	});
});

test("drain waits for connections to end, and cuts off those that do not", async () => {
	const fake = {
		closed: false,
		aborted: false,
		abort: () => Object.assign(fake, { closed: true, aborted: true }),
	};
	assert.equal(await drain([]), 0);
	await assert.rejects(drain(null as unknown as []), { code: "ERR_INVALID_ARG_TYPE" });
	await assert.rejects(drain([], null as unknown as object), { code: "ERR_INVALID_ARG_TYPE" });
	assert.equal(await drain(new Set([fake]), { timeoutMs: 20 }), 1);
	assert.ok(fake.aborted);
	const open = new Set([{ closed: false, abort: assert.fail }]);
	setTimeout(() => open.clear(), 20);
	assert.equal(await drain(open), 0);
	assert.equal(
		await drain(new Set([{ closed: false, abort: () => {} }]), { signal: AbortSignal.abort() }),
		1,
	);
	await assert.rejects(drain([], { timeoutMs: -1 }), { code: "ERR_OUT_OF_RANGE" });
});
