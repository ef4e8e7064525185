import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect, type Stream } from "socketry";
import { listSockets } from "socketry/list";
import { startTls } from "socketry/tls";
import { Load } from "../handover/load.ts";
import { Authority } from "../support/certificates.ts";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lineLike } from "../support/programs.ts";
import { runProgram } from "./program.ts";
import { end, endsWith, type Running, start, talkOver, visit, withEcho } from "./takeovers.ts";

const RESTARTS = 20;

test(`${RESTARTS} restarts of a relay under load refuse, reset and cut nothing, and what was under way ends where it began`, async () => {
	await inFolder(async (folder) => {
		await withEcho(async (to) => {
			const pairs = [`tcp://127.0.0.1:0=${to}`, `${folder}/from=${to}`];
			const args = ["relay", ...pairs, "--takeover", `${folder}/control`];
			let serving = await start(args, 2);
			const { addresses } = serving;
			const load = new Load(addresses, 1);
			const old: Running[] = [];
			for (let i = 0; i < RESTARTS; i++) {
				const seen = load.messages;
				const next = await start(args, 2);
				assert.deepEqual(next.addresses, addresses);
				await lineLike(serving, new RegExp(`process ${next.pid} has taken over`));
				old.push(serving);
				serving = next;
				while (load.messages < seen + 20) await new Promise(setImmediate);
			}
			// Two of the clients have kept their connections all the time.
			assert.equal(old[0]?.process.exitCode, null);
			const { connections, failures } = await load.stop();
			assert.deepEqual(failures, []);
			assert.ok(connections > RESTARTS);
			for (const each of old) await endsWith(each, 0);
			assert.equal(statSync(`${folder}/control`).mode & 0o777, 0o600);
			await end(serving);
			assert.deepEqual(
				[existsSync(`${folder}/control`), existsSync(`${folder}/from`)],
				[false, false],
			);
		});
	});
});

test("pairs that a new relay does not have are closed, those it shares go on, and new ones are opened", async () => {
	await inFolder(async (folder) => {
		await withEcho(async (to) => {
			const start2 = (names: string): Promise<Running> => {
				const pairs = [...names].map((name) => `${folder}/${name}=${to}`);
				return start(["relay", ...pairs, "--takeover", `${folder}/control`], names.length);
			};
			const first = await start2("ab");
			const held = (await connect(`unix:${folder}/a`)) as Stream;
			await talkOver(held, "one");
			const inode = statSync(`${folder}/b`).ino;
			const second = await start2("cb");
			await lineLike(first, /has taken over; 1 under way/);
			assert.equal(statSync(`${folder}/b`).ino, inode);
			assert.equal(existsSync(`${folder}/a`), false);
			for (const name of "bc") await visit(`unix:${folder}/${name}`);
			// Of a pair that is gone what had begun goes on to its end.
			await talkOver(held, "two");
			await held.close();
			await endsWith(first, 0);
			await end(second);
		});
	});
});

test("--drain limits the time that an old relay stays, and what it cuts is told", async () => {
	await inFolder(async (folder) => {
		await withEcho(async (to) => {
			const args = ["relay", `${folder}/from`, to, "--takeover", `${folder}/control`];
			const first = await start([...args, "--drain", "50ms"]);
			const held = (await connect(`unix:${folder}/from`)) as Stream;
			await talkOver(held, "one");
			const second = await start(args);
			await endsWith(first, 4);
			await assert.rejects(held.readExactly(1, PATIENT));
			held.abort();
			await end(second);
		});
	});
});

test("SIGTERM makes an old relay that still waits for its connections leave in the usual time", async () => {
	await inFolder(async (folder) => {
		await withEcho(async (to) => {
			const args = ["relay", `${folder}/from`, to, "--takeover", `${folder}/control`];
			const first = await start(args);
			const held = (await connect(`unix:${folder}/from`)) as Stream;
			await talkOver(held, "one");
			const second = await start(args);
			await lineLike(first, /has taken over; 1 under way/);
			first.process.kill("SIGTERM");
			await lineLike(first, /waiting up to 5 s for 1 under way/);
			// It leaves in good order when this ends within the five seconds.
			await held.close();
			await visit(`unix:${folder}/from`);
			await endsWith(first, 143);
			await end(second);
		});
	});
});

test("a new process that dies before it listens leaves the old relay serving", async () => {
	await inFolder(async (folder) => {
		await withEcho(async (to) => {
			const args = ["relay", `${folder}/from`, to, "--takeover", `${folder}/control`];
			const first = await start(args);
			const script = new URL("../handover/new.child.js", import.meta.url);
			const sockets = JSON.stringify({ local: `unix:${folder}/from` });
			for (const manner of ["exit", "kill"]) {
				const failing = [manner, `unix-seqpacket:${folder}/control`, sockets];
				const child = startChild(script, { args: failing });
				assert.equal((await child.ended).stdout, "has the sockets\n");
				await lineLike(first, /still serving: /);
				await visit(`unix:${folder}/from`);
			}
			// So does one whose other port is in use.
			const taken = ["relay", `${folder}/from=${to}`, `${to}=${to}`];
			const { code, stderr } = await runProgram([...taken, "--takeover", `${folder}/control`]);
			assert.equal(code, 3, stderr);
			await visit(`unix:${folder}/from`);
			await end(first);
		});
	});
});

test("an old relay that is killed in the middle is replaced all the same", async () => {
	await inFolder(async (folder) => {
		await withEcho(async (to) => {
			const args = ["relay", `${folder}/from`, to, "--takeover", `${folder}/control`];
			const first = await start(args);
			first.process.kill("SIGSTOP");
			const starting = start(args);
			// It waits for an answer, and gets the end instead.
			await untilAsked(`${folder}/control`);
			first.process.kill("SIGKILL");
			const second = await starting;
			await visit(`unix:${folder}/from`);
			await end(second);
		});
	});
});

test("a server of listen --echo is restarted without a refusal", async () => {
	await inFolder(async (folder) => {
		const args = ["listen", "tcp://127.0.0.1:0", "--echo", "--takeover", `${folder}/control`];
		const first = await start(args);
		const [address = ""] = first.addresses;
		const held = (await connect(address)) as Stream;
		await talkOver(held, "one");
		const second = await start(args);
		assert.deepEqual(second.addresses, [address]);
		await visit(address);
		await talkOver(held, "two");
		await held.close();
		await endsWith(first, 0);
		await end(second);
	});
});

test("a handshake of TLS that had not ended when another process took over goes on where it began", async () => {
	await inFolder(async (folder) => {
		const authority = new Authority();
		const { cert, key } = authority.issue();
		writeFileSync(`${folder}/pem`, `${cert}\n${key}`);
		await withEcho(async (to) => {
			const tls = ["--tls-in", `${folder}/pem`];
			const args = ["relay", `${folder}/from`, to, "--takeover", `${folder}/control`, ...tls];
			const first = await start(args);
			const raw = (await connect(`unix:${folder}/from`)) as Stream;
			await untilAccepted(`${folder}/from`);
			const second = await start(args);
			await lineLike(first, /has taken over; 1 under way/);
			const stream = await startTls(raw, { servername: "localhost", tls: { ca: authority.cert } });
			await stream.write("hello");
			assert.equal(String(await stream.readExactly(5, PATIENT)), "hello");
			await stream.close();
			await endsWith(first, 0);
			await end(second);
		});
	});
});

test("what cannot be taken over is refused", async () => {
	for (const [args, message] of [
		[["relay", "1", "2", "--takeover", "tcp://h:1"], /path for this purpose alone/],
		[["relay", "1", "2", "--takeover", "c", "--once"], /give one of them/],
		[["listen", "1", "--takeover", "c"], /--exec, --echo/],
	] as const) {
		const { code, stderr } = await runProgram(args);
		assert.equal(code, 2);
		assert.match(stderr, message);
	}
});

/** Waits until somebody is in the queue of a listener that does not accept. */
async function untilAsked(path: string): Promise<void> {
	while ((await waitingAt(path)) === 0);
}

/** Waits until the one who has connected is accepted. */
async function untilAccepted(path: string): Promise<void> {
	while ((await waitingAt(path)) > 0);
}

async function waitingAt(path: string): Promise<number> {
	const { sockets } = await listSockets({ paths: [path], states: ["listening"] });
	return sockets.reduce((sum, { waitingCount = 0 }) => sum + waitingCount, 0);
}
