/** Standard input, output and error that are full, closed, or something unusual. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect, formatAddress, listen, type Stream } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENCE_MS, until } from "../support/patience.ts";
import { lacking } from "../support/programs.ts";
import {
	type Input,
	PROGRAM,
	PROGRAM_LINE,
	start,
	startOurs,
	type Talked,
	type Talking,
} from "./talk.ts";

/** How often a relay is asked at the most whether it has begun. */
const FIGURES_MAX = 10_000;

/** Starts our program with its standard streams as a shell sets them up: `>/dev/full`. */
function startWith(redirections: string, args: readonly string[], input: Input = "none"): Talking {
	return start(["sh", "-c", `exec "$@" ${redirections}`, "sh", ...PROGRAM, ...args], input);
}

function runWith(redirections: string, args: readonly string[], input?: Input): Promise<Talked> {
	return startWith(redirections, args, input).ended;
}

/** A server of one connection, which reads a request to its end and answers by its length. */
async function counting(body: (address: string) => Promise<void>): Promise<number | string> {
	const listener = await listen("tcp://127.0.0.1:0");
	let outcome: number | string = 0;
	const serving = (async () => {
		const stream = await listener.accept();
		try {
			let bytes = 0;
			for await (const chunk of stream) bytes += chunk.length;
			await stream.write(`${bytes} bytes\n`);
			outcome = bytes;
			await stream.close();
		} catch (error) {
			outcome = (error as { code: string }).code;
			stream.abort();
		}
	})();
	await body(formatAddress(listener.address));
	listener.close();
	await serving;
	return outcome;
}

test("a full disk under standard output is told in a sentence, and makes it 4", async () => {
	await counting(async (to) => {
		const { code, stderr } = await runWith(">/dev/full", ["connect", to], "request");
		assert.deepEqual([code, stderr.split("\n").length], [4, 2], stderr);
		assert.match(stderr, /^socketry connect: standard output: ENOSPC/);
	});
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		const server = startWith(">/dev/full", ["listen", path, "--keep"]);
		await server.said(/listening/);
		const stream = (await connect(`unix:${path}`)) as Stream;
		await stream.write("x");
		const { code, stderr } = await server.ended;
		stream.abort();
		assert.equal(code, 4);
		assert.match(stderr, /\nsocketry listen: standard output: ENOSPC.*\n$/);
		assert.equal(existsSync(path), false);
	});
	for (const args of [["--help"], ["--version"], ["relay", "--help"]]) {
		const { code, stderr } = await runWith(">/dev/full", args);
		assert.equal(code, 1, stderr);
		assert.match(stderr, /standard output: ENOSPC/);
	}
});

test("a full disk under standard error keeps nobody from working", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		const bytes = await counting(async (to) => {
			const relay = startWith("2>/dev/full", ["relay", path, to, "--once"]);
			assert.equal(await ask(path, "request"), "7 bytes\n");
			assert.equal((await relay.ended).code, 0);
		});
		assert.equal(bytes, 7);
	});
});

test("closed standard streams are empty ones", async () => {
	await counting(async (to) => {
		const { code, stdout } = await runWith("<&-", ["connect", to]);
		assert.deepEqual([code, stdout.toString()], [0, "0 bytes\n"]);
	});
	await counting(async (to) => {
		assert.equal((await runWith(">&-", ["connect", to], "x")).code, 0);
	});
	assert.equal((await runWith("2>&-", ["connect", "tcp://127.0.0.1:1"])).code, 1);
});

test("a descriptor to pass that is not open is a mistake, and a message that is too long ends it", async () => {
	const closed = await runWith("", ["connect", "./s", "--send-fd", "99"]);
	assert.equal(closed.code, 2);
	assert.match(closed.stderr, /--send-fd/);
	await inFolder(async (folder) => {
		const listener = await listen(`unix-seqpacket:${folder}/s`);
		const args = ["connect", formatAddress(listener.address), "--message", "whole"];
		const talking = startOurs(args, Buffer.alloc(300_000));
		const packets = await listener.accept();
		listener.close();
		const { code, stderr } = await talking.ended;
		packets.abort();
		assert.equal(code, 4);
		assert.match(stderr, /data was cut/);
	});
});

test("a reader of standard output who leaves ends listen with 141, and no socket file is left", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		const server = startOurs(["listen", path, "--keep"], "open");
		await server.said(/listening/);
		server.process.stdout?.destroy();
		const stream = await connectWhenThere(path);
		await stream.write("x");
		const { code, stderr } = await server.ended;
		stream.abort();
		assert.deepEqual([code, stderr.split("\n").length], [141, 2]);
		assert.equal(existsSync(path), false);
	});
});

// By the figures themselves: who is not accepted yet is not under way.
async function untilUnderWay({ process: relay, ended }: Talking): Promise<void> {
	const figures = relay.stdout as NonNullable<typeof relay.stdout>;
	let told = "";
	figures.on("data", (chunk) => {
		told += chunk;
	});
	for (let i = 0; i < FIGURES_MAX && !told.includes('"open":1'); i++) {
		if (told.includes('"listening"')) relay.kill("SIGUSR1");
		await Promise.race([once(figures, "data"), ended]);
	}
	assert.match(told, /"open":1/);
}

test("a reader of the figures of a relay who leaves ends it, but not what is under way", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		await counting(async (to) => {
			const relay = startOurs(["relay", path, to, "--json"]);
			const isUnderWay = untilUnderWay(relay);
			const stream = await connectWhenThere(path);
			await stream.write("a");
			await isUnderWay;
			relay.process.stdout?.destroy();
			relay.process.kill("SIGUSR1");
			await untilGone(path);
			await stream.write("b");
			await stream.closeWrite();
			assert.equal(await readAll(stream), "2 bytes\n");
			await stream.close();
			assert.equal((await relay.ended).code, 141);
		});
	});
});

test("a relay goes on although nobody reads its messages any more", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		await counting(async (to) => {
			const relay = startOurs(["relay", path, to]);
			await relay.said(/listening/);
			relay.process.stderr?.destroy();
			for (let i = 0; i < 3; i++) relay.process.kill("SIGUSR1");
			assert.equal(await ask(path, "request"), "7 bytes\n");
			relay.process.kill("SIGTERM");
			assert.equal((await relay.ended).code, 143);
			assert.equal(existsSync(path), false);
		});
	});
});

test("standard input that cannot be read is told, makes it 4, and resets the connection", async () => {
	await inFolder(async (folder) => {
		for (const [redirection, reason] of [
			["</", "it is a directory"],
			[`0>${folder}/file`, "EBADF"],
		] as const) {
			const outcome = await counting(async (to) => {
				const { code, stderr, stdout } = await runWith(redirection, ["connect", to]);
				assert.deepEqual([code, stdout.length], [4, 0]);
				assert.match(stderr, new RegExp(`data was cut: standard input: ${reason}`));
			});
			assert.equal(outcome, "ECONNRESET");
		}
	});
});

test("standard input may be a file", async () => {
	await inFolder(async (folder) => {
		writeFileSync(`${folder}/file`, Buffer.alloc(3_000_000));
		const bytes = await counting(async (to) => {
			const { code, stdout } = await runWith(`<${folder}/file`, ["connect", to]);
			assert.deepEqual([code, stdout.toString()], [0, "3000000 bytes\n"]);
		});
		assert.equal(bytes, 3_000_000);
	});
});

test("on a terminal it is over with the peer, whose control characters are shown", {
	skip: lacking("script"),
}, async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const command = `${PROGRAM_LINE} connect ${formatAddress(listener.address)}`;
	const talking = start(["script", "-qec", command, "/dev/null"], "open");
	const stream = await listener.accept();
	listener.close();
	await stream.write("bye\x1b[2J\n");
	await stream.close();
	const { code, stdout } = await talking.ended;
	assert.deepEqual([code, stdout.toString().trim()], [0, "bye\\x1b[2J"]);
});

const NO_MESSAGES: readonly (readonly [framing: string, input: Uint8Array, reason: RegExp])[] = [
	["length", Buffer.from("\xff\xff\xff\xffabc", "latin1"), /a message of 4294967295 bytes/],
	["length", Buffer.from("\0\0\0\x05abc"), /it ends before its last message is complete/],
	["netstring", Buffer.from("abc"), /no message/],
	["netstring", Buffer.from("99999999999:abc"), /message/],
	["lines", Buffer.alloc(68 << 20), /a message of \d+ bytes or more/],
	["whole", Buffer.alloc(68 << 20), /takes up to/],
];

for (const [framing, input, reason] of NO_MESSAGES) {
	test(`${input.length} bytes that are no messages by --message ${framing} are told: ${reason}`, async () => {
		await inFolder(async (folder) => {
			const listener = await listen(`unix-seqpacket:${folder}/s`);
			const to = formatAddress(listener.address);
			const talking = startOurs(["connect", to, "--message", framing], input);
			const packets = await listener.accept();
			listener.close();
			const { code, stderr } = await talking.ended;
			assert.equal(code, 4);
			assert.match(stderr, /^socketry connect: data was cut: standard input: .*\n$/);
			assert.match(stderr, reason);
			packets.abort();
		});
	});
}

test("messages are sent to their end although the peer has ended before", async () => {
	await inFolder(async (folder) => {
		const path = `${folder}/s`;
		const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("");
		const server = startOurs(["listen", `unix-seqpacket:${path}`], "none");
		await server.said(/listening/);
		const client = startOurs(["connect", `unix-seqpacket:${path}`], lines);
		assert.equal((await client.ended).code, 0);
		const { code, stdout } = await server.ended;
		assert.equal(code, 0);
		assert.equal(stdout.toString(), lines);
	});
});

async function connectWhenThere(path: string): Promise<Stream> {
	const retry = { delayMs: 10, maxDelayMs: 50 };
	return (await connect(`unix:${path}`, { retry, timeoutMs: PATIENCE_MS })) as Stream;
}

async function ask(path: string, request: string): Promise<string> {
	const stream = await connectWhenThere(path);
	await stream.write(request);
	await stream.closeWrite();
	const reply = await readAll(stream);
	await stream.close();
	return reply;
}

async function readAll(stream: Stream): Promise<string> {
	let text = "";
	for await (const chunk of stream) text += Buffer.from(chunk).toString();
	return text;
}

async function untilGone(path: string): Promise<void> {
	await until(() => !existsSync(path));
}
