/** A process that stands still in the middle of handing over: its heir can be asked, and can end, all the same. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { connect, listen, type PacketStream } from "socketry";
import { type HandoverError, takeOver } from "socketry/handover";
import { Wire } from "#src/handover/wire.ts";
import { pause } from "#src/open/pause.ts";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { startOurs } from "../cli/talk.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { withOld } from "./old.ts";

type Post = `unix-seqpacket:${string}`;

/** Hands itself over to the first who asks, up to the connections that would follow. */
async function standStill(post: Post): Promise<PacketStream> {
	const listener = await listen(post, { mode: 0o600 });
	const packets = await listener.accept(PATIENT);
	const wire = new Wire(packets);
	await wire.expect(["hello"], PATIENT);
	const path = post.slice("unix-seqpacket:".length);
	const { dev, ino } = statSync(path, { bigint: true });
	const file = { path, dev: `${dev}`, ino: `${ino}` };
	const { pid } = process;
	const sizes = { socketCount: 0, stateBytes: 0 };
	await wire.send({ kind: "welcome", protocol: 1, pid, ...sizes, file }, listener.socket.fd);
	await wire.expect(["ready"], PATIENT);
	await wire.send({ kind: "yours" });
	await wire.expect(["mine"], PATIENT);
	// Its file is the heir's.
	listener.detach().close();
	return packets;
}

async function withOneStandingStill(
	body: (post: Post, standing: Promise<PacketStream>) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const resources = openResources();
		const post: Post = `unix-seqpacket:${folder}/post`;
		const standing = standStill(post);
		await body(post, standing);
		(await standing).abort();
		await assertNoLeaks(resources);
	});
}

test("who asks its heir and gives up leaves the turn to the next, and closing does not wait for it", async () => {
	await withOneStandingStill(async (post, standing) => {
		const heir = await takeOver(post, { sockets: {}, onConnection: () => {} });
		await heir.ready();
		const failures: HandoverError[] = [];
		const offer = heir.offer({ onFailure: (error) => void failures.push(error) });
		for (const _ of [1, 2]) {
			const asking = takeOver(post, { sockets: {}, timeoutMs: 200 });
			await assert.rejects(asking, { code: "ERR_TIMEOUT" });
		}
		const waiting = await connect(post, PATIENT);
		await new Wire(waiting).send({ kind: "hello", protocols: [1], pid: process.pid });
		await assert.rejects(takeOver(post, { sockets: {} }), { reason: "busy" });
		await heir.close();
		waiting.abort();
		assert.equal(await offer, undefined);
		assert.equal(failures[0]?.reason, "ended");
		await new Wire(await standing).send({ kind: "done" });
		assert.equal(await heir.received, 0);
	});
});

test("who stood still while one who knocked left takes the next one, who waits already", async () => {
	await withOld({}, async (old) => {
		const first = new Wire(await connect(old.post, PATIENT));
		await first.send({ kind: "hello", protocols: [1], pid: process.pid });
		await first.expect(["welcome"], PATIENT);
		const taking = takeOver(old.post, { sockets: {}, ...PATIENT });
		// Until it waits for its turn.
		for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
		first.close();
		pause(200);
		await (await taking).close();
	});
});

test("a relay that has taken over from it ends on SIGTERM", async () => {
	await withOneStandingStill(async (post, standing) => {
		const [control = ""] = post.split(":").slice(1);
		const route = ["udp://127.0.0.1:0", "udp://127.0.0.1:9"];
		const relay = startOurs(["relay", ...route, "--takeover", control]);
		await relay.said(/took over from process/);
		relay.process.kill("SIGTERM");
		const { code, stderr } = await relay.ended;
		assert.equal(code, 143, stderr);
		await standing;
	});
});
