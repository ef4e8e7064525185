import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import {
	connect,
	type Datagrams,
	datagrams,
	formatAddress,
	type Listener,
	listen,
	type PacketStream,
	type Stream,
} from "socketry";
import { listSockets } from "socketry/list";
import { startTls } from "socketry/tls";
import { Load } from "../handover/load.ts";
import { Authority } from "../support/certificates.ts";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lineLike } from "../support/programs.ts";
import { runProgram, startProgram } from "./program.ts";

const RESTARTS = 20;

/** A relay or server that listens, and where. */
interface Running extends Child {
	readonly addresses: readonly string[];
}

async function start(args: readonly string[], count = 1): Promise<Running> {
	const child = startProgram(args, { lines: "stderr", timeoutMs: 600_000 });
	const addresses: string[] = [];
	while (addresses.length < count) {
		const [, address = ""] = await lineLike(child, /^listening on (\S+?)(?:, for .*)?$/);
		addresses.push(address);
	}
	return { ...child, addresses };
}

async function end(child: Child): Promise<void> {
	child.process.kill("SIGTERM");
	const { code, stderr } = await child.ended;
	assert.equal(code, 143, stderr);
}

async function endsWith(child: Child, expected: number): Promise<void> {
	const { code, stderr } = await child.ended;
	assert.equal(code, expected, stderr);
}

/** Serves every connection while the body runs. */
async function withEcho(body: (address: string) => Promise<void>): Promise<void> {
	const listener = (await listen("tcp://127.0.0.1:0")) as Listener<Stream>;
	const serving = (async () => {
		for await (const stream of listener) void echo(stream);
	})();
	await body(formatAddress(listener.address));
	listener.close();
	await serving;
}

async function echo(stream: Stream): Promise<void> {
	try {
		for await (const chunk of stream) await stream.write(chunk);
		await stream.close();
	} catch {
		stream.abort();
	}
}

async function talkOver(stream: Stream, word: string): Promise<void> {
	await stream.write(word, PATIENT);
	assert.equal(String(await stream.readExactly(word.length, PATIENT)), word);
}

async function visit(address: string): Promise<void> {
	const stream = (await connect(address, PATIENT)) as Stream;
	await talkOver(stream, "hello");
	await stream.close();
}

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
			await visit(`unix:${folder}/from`);
			await held.close();
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
