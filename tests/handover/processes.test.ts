import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { takeOver } from "socketry/handover";
import { Wire } from "#src/handover/wire.ts";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT } from "../support/patience.ts";
import { lackingAnotherUser } from "../support/programs.ts";
import { type Old, withOld } from "./old.ts";

const NEW = new URL("./new.child.js", import.meta.url);
const NOBODY = 65_534;

/** Starts a process that serves, be it the first one or a successor. */
async function startServing(post: string, sockets: object): Promise<Child> {
	const child = startChild(NEW, { args: ["good", post, JSON.stringify(sockets)] });
	assert.equal(await child.line(), "has the sockets");
	assert.equal(await child.line(), "serves");
	return child;
}

async function stop(child: Child): Promise<void> {
	child.process.kill("SIGTERM");
	assert.equal((await child.ended).code, 0);
}

function socketsIn(folder: string) {
	return {
		web: `tcp://127.0.0.1:0`,
		local: `unix:${folder}/local`,
		names: "udp://127.0.0.1:0",
	} as const;
}

test("who connects to an inherited Unix listener sees the new process as its peer", async () => {
	await withOld({}, async (old) => {
		const child = await startServing(old.post, old.sockets);
		const client = await connect(`unix:${old.folder}/local`, { owner: "self" });
		assert.equal(client.peerCredentials.pid, child.pid);
		await client.close();
		await stop(child);
	});
});

test("an old process that is stopped is given up in time, before and after it has given everything, and goes on", async () => {
	await inFolder(async (folder) => {
		const before = openResources();
		const post = `unix-seqpacket:${folder}/post`;
		const sockets = socketsIn(folder);
		const old = await startServing(post, sockets);
		old.process.kill("SIGSTOP");
		await assert.rejects(takeOver(post, { sockets, timeoutMs: 100 }), {
			code: "ERR_TIMEOUT",
			timeoutMs: 100,
			message: /^Taking over took longer than 100 ms/,
		});
		old.process.kill("SIGCONT");
		const handover = await takeOver(post, { sockets, ...PATIENT });
		old.process.kill("SIGSTOP");
		await assert.rejects(handover.ready({ timeoutMs: 100 }), { code: "ERR_TIMEOUT" });
		old.process.kill("SIGCONT");
		const client = await connect(`unix:${folder}/local`);
		await client.write("x");
		assert.equal(String(await client.readExactly(1, PATIENT)), "x");
		assert.equal(client.peerCredentials.pid, old.pid);
		await client.close();
		await stop(old);
		await assertNoLeaks(before);
	});
});

test("a new process that speaks another version is refused", async () => {
	await withOld({}, async (old) => {
		const wire = new Wire(await connect(old.post));
		await wire.send({ kind: "hello", protocols: [99, 0], pid: 1 });
		await assert.rejects(wire.expect(["welcome"], PATIENT), {
			code: "ERR_HANDOVER",
			reason: "version",
			message: "This process speaks version 1 only",
		});
		wire.close();
		assert.equal((await old.failure()).reason, "version");
		await old.assertServes();
	});
});

test("an old process that gives something else than was agreed is not believed", async () => {
	await inFolder(async (folder) => {
		const before = openResources();
		const post = `unix-seqpacket:${folder}/post` as const;
		const door = await listen(post);
		const starting = takeOver(post, { sockets: {} });
		const wire = new Wire(await door.accept());
		await wire.expect(["hello"], PATIENT);
		await wire.send({ kind: "yours" });
		await assert.rejects(starting, { code: "ERR_HANDOVER", reason: "protocol" });
		wire.close();
		door.close();
		await assertNoLeaks(before);
	});
});

async function upToDecision(old: Old): Promise<Wire> {
	const wire = new Wire(await connect(old.post, { receiveDescriptors: true }));
	await wire.send({ kind: "hello", protocols: [1], pid: process.pid });
	(await wire.expect(["welcome"], PATIENT)).descriptor?.close();
	for (let i = 0; i < 3; i++) (await wire.expect(["socket"], PATIENT)).descriptor?.close();
	await wire.send({ kind: "ready" });
	await wire.expect(["yours"], PATIENT);
	return wire;
}

test("once the old process has made up its mind to go on, the new one cannot take over any more", async () => {
	await withOld({}, async (old) => {
		const wire = await upToDecision(old);
		await old.withdraw();
		await assert.rejects(wire.send({ kind: "mine", takesConnections: false }), { reason: "ended" });
		await assert.rejects(wire.expect([], PATIENT), { reason: "closing" });
		wire.close();
		assert.equal(await old.successor, undefined);
		await old.assertServes();
	});
});

test("once the new process has said that everything is its own, the old one cannot go on any more", async () => {
	await withOld({}, async (old) => {
		const wire = await upToDecision(old);
		await wire.send({ kind: "mine", takesConnections: false });
		await old.withdraw();
		assert.equal((await old.successor)?.pid, process.pid);
		assert.ok(old.web.closed && old.local.closed);
		wire.close();
	});
});

test("a process of another user is neither let in nor believed", {
	skip: lackingAnotherUser(),
}, async () => {
	const post = `unix-seqpacket:${abstractName()}` as const;
	await withOld({ post }, async (old) => {
		assert.match(await asNobody(post, "take over"), /^ERR_PEER_NOT_ALLOWED/);
		// Without that check of its own it is not let in either.
		assert.match(await asNobody(post, "knock"), /^(ended|null)/);
		await old.assertServes();
	});
	const serving = asNobody(post, "serve");
	await serving.started;
	await assert.rejects(takeOver(post, { sockets: {} }), { code: "ERR_PEER_NOT_ALLOWED" });
	serving.stop();
	await serving;
});

/** Does something at the post as the user nobody. Resolves to what came of it. */
function asNobody(
	post: string,
	what: "take over" | "knock" | "serve",
): Promise<string> & { started: Promise<void>; stop: () => void } {
	const script = {
		"take over": `takeOver(post, { sockets: {} }).then(() => "took over", (error) => error.code)`,
		knock: `connect(post).then((packets) => packets.receive()).then(String, () => "ended")`,
		serve: `takeOver(post, { sockets: {} }).then((handover) => handover.ready()).then(() => {
			console.log("started");
			return new Promise((resolve) => process.stdin.once("end", resolve).resume());
		})`,
	}[what];
	const child = spawn(
		process.execPath,
		[
			"--input-type=module",
			"--eval",
			`import { connect } from "socketry";
			import { takeOver } from "socketry/handover";
			const post = process.argv[1];
			console.log(await ${script});`,
			post,
		],
		{ uid: NOBODY, gid: NOBODY, stdio: ["pipe", "pipe", "inherit"] },
	);
	let said = "";
	let tell = (): void => {};
	const started = new Promise<void>((resolve) => {
		tell = resolve;
	});
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		said += text;
		tell();
	});
	const over = new Promise<string>((resolve) => child.once("close", () => resolve(said)));
	return Object.assign(over, { started, stop: () => child.stdin.end() });
}
