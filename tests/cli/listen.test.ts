import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, listen, parseAddress, type Stream } from "socketry";
import { SO_RCVBUF, SOL_SOCKET } from "socketry/sys";
import { inFolder } from "../support/folder.ts";
import { type Input, ours, startOurs, type Talking } from "./talk.ts";

/** Starts `socketry listen`, and waits until it does. */
async function startListening(
	address: string,
	args: readonly string[] = [],
	input: Input = "open",
): Promise<Talking & { readonly to: string }> {
	const talking = startOurs(["listen", address, ...args], input);
	const [, to = ""] = await talking.said(/^listening on (.*)\n/m);
	return { ...talking, to };
}

/** Sends, ends, and reads to the end. */
async function ask(to: string, request: string | Uint8Array): Promise<string> {
	const stream = (await connect(to)) as Stream;
	try {
		await stream.write(request);
		await stream.closeWrite();
		let reply = "";
		for await (const chunk of stream) reply += Buffer.from(chunk).toString();
		return reply;
	} finally {
		await stream.close();
	}
}

test("it talks with the first connection, and ends with it", async () => {
	await inFolder(async (folder) => {
		for (const address of ["tcp://127.0.0.1:0", `${folder}/s`]) {
			const server = await startListening(address, [], "answer");
			assert.equal(await ask(server.to, "question"), "answer");
			const { code, stdout } = await server.ended;
			assert.deepEqual([code, stdout.toString()], [0, "question"]);
		}
		assert.equal(existsSync(`${folder}/s`), false);
	});
});

test("a bare port is of this machine, a colon before it is everywhere", async () => {
	for (const [form, host] of [
		["0", "127.0.0.1"],
		[":0", "::"],
	] as const) {
		const server = await startListening(form, ["--discard"]);
		const address = parseAddress(server.to);
		server.process.kill("SIGTERM");
		assert.equal((await server.ended).code, 143);
		assert.equal("host" in address && ["::", "0.0.0.0", host].includes(address.host), true);
		if (form === "0") assert.equal("host" in address && address.host, host);
	}
});

test("with --keep one connection after another is talked with", async () => {
	const server = await startListening("tcp://127.0.0.1:0", ["--keep"], "none");
	assert.equal(await ask(server.to, "one,"), "");
	assert.equal(await ask(server.to, "two"), "");
	server.process.kill("SIGINT");
	const { code, stdout } = await server.ended;
	assert.deepEqual([code, stdout.toString()], [130, "one,two"]);
});

test("--echo, --discard and --chargen serve everybody side by side", async () => {
	const echo = await startListening("tcp://127.0.0.1:0", ["--echo"]);
	const idle = await connect(echo.to);
	const answers = await Promise.all(["a", "bb", "ccc"].map((text) => ask(echo.to, text)));
	assert.deepEqual(answers, ["a", "bb", "ccc"]);
	echo.process.kill("SIGINT");
	assert.equal((await echo.ended).code, 130);
	idle.abort();

	const discard = await startListening("tcp://127.0.0.1:0", ["--discard", "--once"]);
	assert.equal(await ask(discard.to, Buffer.alloc(1 << 20)), "");
	assert.equal((await discard.ended).code, 0);

	const chargen = await startListening("tcp://127.0.0.1:0", ["--chargen", "--once"]);
	const stream = (await connect(chargen.to)) as Stream;
	const text = Buffer.from(await stream.readExactly(74 * 95)).toString();
	assert.match(text, /^ !"#.*\r\n!"#/);
	await stream.close();
	assert.equal((await chargen.ended).code, 0);
});

test("--exec runs a program for each connection, whose answer arrives although it left its input unread", async () => {
	const program = ["--exec", "--", "sh", "-c", "echo $REMOTE_ADDR; exit 3"];
	const server = await startListening("tcp://127.0.0.1:0", program);
	const asked = Array.from({ length: 4 }, () => ask(server.to, Buffer.alloc(100_000)));
	assert.deepEqual(await Promise.all(asked), Array(4).fill("127.0.0.1\n"));
	server.process.kill("SIGTERM");
	assert.equal((await server.ended).code, 143);
	const once = await startListening("tcp://127.0.0.1:0", ["--once", ...program]);
	await ask(once.to, "");
	assert.equal((await once.ended).code, 3);
});

/** A connection through which not much is under way at a time. */
async function connectNarrowly(to: string): Promise<Stream> {
	const small = new Uint8Array(Int32Array.of(4_096).buffer);
	return (await connect(to, {
		prepare: (socket) => socket.setsockopt(SOL_SOCKET, SO_RCVBUF, small),
	})) as Stream;
}

test("an answer that is still under way when its program ends arrives, although the peer goes on sending", async () => {
	const program = ["sh", "-c", "head -c 300000 /dev/zero; echo written >&2"];
	const server = await startListening("tcp://127.0.0.1:0", ["--once", "--exec", "--", ...program]);
	const client = await connectNarrowly(server.to);
	await server.said(/written/);
	let count = 0;
	for await (const chunk of client) {
		count += chunk.length;
		if (count > 200_000) continue;
		// If it were closed there already, each of these would be answered by a reset.
		await client.write("x").catch(() => {});
		await client.flush().catch(() => {});
	}
	assert.equal(count, 300_000);
	client.abort();
	assert.equal((await server.ended).code, 0);
});

test("what a program has left in the background still says its part", async () => {
	const background = "(sleep 1; echo alone >&2; sleep 1; echo late)";
	const script = `${background} & head -c 300000 /dev/zero`;
	const program = ["--once", "--exec", "--", "sh", "-c", script];
	const server = await startListening("tcp://127.0.0.1:0", program);
	const client = await connectNarrowly(server.to);
	await server.said(/alone/);
	const answer = await client.readExactly(300_005);
	assert.equal(Buffer.from(answer.subarray(-6)).toString(), "\0late\n");
	client.abort();
	assert.equal((await server.ended).code, 0);
});

test("a program that --exec runs learns which process has connected to a Unix socket", async () => {
	await inFolder(async (folder) => {
		const shown = "$SOCKETRY_PEER_PID $SOCKETRY_PEER_UID $SOCKETRY_PEER_GID";
		const program = ["--exec", "--", "sh", "-c", `echo ${shown}`];
		const server = await startListening(`unix:${folder}/s`, ["--once", ...program]);
		const { pid } = process;
		const expected = `${pid} ${process.getuid?.()} ${process.getgid?.()}\n`;
		assert.equal(await ask(server.to, ""), expected);
		assert.equal((await server.ended).code, 0);
	});
});

test("connected messages and datagrams are heard line by line, and answered", async () => {
	await inFolder(async (folder) => {
		const packets = await startListening(`unix-seqpacket:${folder}/s`, [], "yes\nno");
		const client = await ours(["connect", packets.to], "a\nb");
		assert.deepEqual([client.code, client.stdout.toString()], [0, "yes\nno\n"]);
		assert.equal((await packets.ended).stdout.toString(), "a\nb\n");

		for (const address of ["udp://127.0.0.1:0", `unix-dgram:${folder}/d`]) {
			const hearing = await startListening(address, ["--count", "2"], "answer");
			const asker = await ours(["connect", hearing.to, "--count", "1"], "a\nb");
			assert.deepEqual([asker.code, asker.stdout.toString()], [0, "answer\n"]);
			const { code, stdout } = await hearing.ended;
			assert.deepEqual([code, stdout.toString()], [0, "a\nb\n"]);
		}
	});
});

test("--echo answers datagrams", async () => {
	const server = await startListening("udp://127.0.0.1:0", ["--echo"]);
	const { stdout } = await ours(["connect", server.to, "--count", "2"], "x\ny");
	assert.equal(stdout.toString(), "x\ny\n");
	server.process.kill("SIGINT");
	assert.equal((await server.ended).code, 130);
});

test("--mode and --allow decide who may connect", async () => {
	await inFolder(async (folder) => {
		const uid = process.getuid?.() ?? 0;
		const args = ["--mode", "600", "--echo", "--allow", `user=${uid}`];
		const server = await startListening(`${folder}/s`, args);
		assert.equal(statSync(`${folder}/s`).mode & 0o777, 0o600);
		assert.equal(await ask(server.to, "me"), "me");
		server.process.kill("SIGINT");
		await server.ended;
		const strict = await startListening(`${folder}/s`, ["--echo", "--allow", `user=${uid + 1}`]);
		await assert.rejects(ask(strict.to, "me"));
		await strict.said(/refused a connection of user/);
		strict.process.kill("SIGINT");
		await strict.ended;
	});
});

test("a live socket file is not stolen, a dead one is replaced, ours is removed, and what is no socket stays", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		const live = await listen(`unix:${path}`);
		const inode = statSync(path).ino;
		const refused = await ours(["listen", path]);
		assert.deepEqual([refused.code, statSync(path).ino], [3, inode]);
		assert.match(refused.stderr, /EADDRINUSE/);
		live.close();

		const killed = await startListening(path, ["--echo"]);
		killed.process.kill("SIGKILL");
		await killed.ended;
		assert.equal(existsSync(path), true);
		const next = await startListening(path, ["--echo"]);
		assert.equal(await ask(next.to, "hi"), "hi");
		next.process.kill("SIGTERM");
		await next.ended;
		assert.equal(existsSync(path), false);
		writeFileSync(path, "text");
		assert.equal((await ours(["listen", path])).code, 3);
		assert.equal(readFileSync(path, "utf8"), "text");
	});
});

test("of many that start at once on one path, one serves at every moment", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		const started = Array.from({ length: 6 }, () => startOurs(["listen", path, "--echo"]));
		const first = await Promise.any(
			started.map(async (each) => {
				await each.said(/listening/);
				return each;
			}),
		);
		const others = started.filter((each) => each !== first);
		const codes = await Promise.all(others.map(async ({ ended }) => (await ended).code));
		assert.deepEqual(
			codes,
			others.map(() => 3),
		);
		assert.equal(await ask(`unix:${path}`, "hi"), "hi");
		first.process.kill("SIGTERM");
		await first.ended;
		assert.equal(existsSync(path), false);
	});
});

test("--timeout ends it with 124, and a second Ctrl-C at once", async () => {
	assert.equal((await ours(["listen", "0", "--timeout", "100ms"], "open")).code, 124);
	const server = await startListening("tcp://127.0.0.1:0", [
		"--exec",
		"--",
		"sh",
		"-c",
		"trap '' TERM; sleep 1",
	]);
	const stream = await connect(server.to);
	await pause(200);
	server.process.kill("SIGINT");
	await pause(100);
	server.process.kill("SIGINT");
	assert.equal((await server.ended).code, 130);
	stream.abort();
});
