import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
	adopt,
	datagrams,
	formatAddress,
	type Listener,
	listen,
	type OwnedDescriptor,
	type PacketStream,
	type Stream,
	socketpair,
} from "socketry";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { ours, PROGRAM, start, startOurs } from "./talk.ts";

// Longer than what socat waits for after the end of its input.
const LATE_MS = 600;

/** Serves connections one after another, while `body` runs. */
async function serving<T extends Stream | PacketStream>(
	listener: Listener<T>,
	serve: (connection: T) => Promise<unknown>,
	body: (address: string) => Promise<void>,
): Promise<void> {
	const served: Promise<unknown>[] = [];
	const accepting = (async () => {
		for await (const connection of listener) served.push(serve(connection));
	})();
	try {
		await body(formatAddress(listener.address));
	} finally {
		listener.close();
		await accepting;
		await Promise.all(served);
	}
}

async function answerLate(stream: Stream): Promise<void> {
	let bytes = 0;
	for await (const chunk of stream) bytes += chunk.length;
	await pause(LATE_MS);
	await stream.write(`${bytes} bytes\n`);
	await stream.close();
}

test("a reply that comes after the end of the request arrives, over TCP and Unix streams", async () => {
	await inFolder(async (folder) => {
		for (const address of ["tcp://127.0.0.1:0", `unix:${folder}/s`]) {
			await serving((await listen(address)) as Listener<Stream>, answerLate, async (to) => {
				const { code, stdout, stderr } = await ours(["connect", to], "hello");
				assert.deepEqual([code, stdout.toString(), stderr], [0, "5 bytes\n", ""]);
			});
		}
	});
});

test("bare forms of addresses lead to the same place", async () => {
	await inFolder(async (folder) => {
		await serving(await listen("tcp://127.0.0.1:0"), answerLate, async (to) => {
			const port = to.split(":").at(-1) as string;
			const forms = [port, `127.0.0.1:${port}`, `localhost:${port}`, `tcp://:${port}`];
			const ends = await Promise.all(forms.map((form) => ours(["connect", form], "x")));
			assert.deepEqual(
				ends.map(({ stdout }) => stdout.toString()),
				forms.map(() => "1 bytes\n"),
			);
		});
		await serving(await listen(`unix:${folder}/s`), answerLate, async () => {
			assert.equal((await ours(["connect", `${folder}/s`], "x")).stdout.toString(), "1 bytes\n");
		});
		const name = `socketry-test-${process.pid}`;
		await serving(await listen(`unix:@${name}`), answerLate, async () => {
			assert.equal((await ours(["connect", `@${name}`], "x")).stdout.toString(), "1 bytes\n");
		});
	});
});

test("it ends with the peer although standard input is open and silent", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			await stream.write("bye");
			await stream.close();
		},
		async (to) => {
			const { code, stdout } = await ours(["connect", to], "open");
			assert.deepEqual([code, stdout.toString()], [0, "bye"]);
		},
	);
});

test("a connection that is reset in the middle ends with 4, one that is refused with 1", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			await stream.readExactly(1);
			await stream.write("half");
			await stream.flush();
			stream.abort();
		},
		async (to) => {
			const { code, stderr } = await ours(["connect", to], "x");
			assert.equal(code, 4, stderr);
			assert.match(stderr, /data was cut/);
		},
	);
	const { code, stderr } = await ours(["connect", "tcp://127.0.0.1:1"]);
	assert.equal(code, 1);
	assert.match(stderr, /ECONNREFUSED/);
});

test("a peer that leaves with bytes on their way to it makes it 4", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			await stream.readExactly(1);
			stream.abort();
		},
		async (to) => {
			assert.equal((await ours(["connect", to], Buffer.alloc(8_000_000, 1))).code, 4);
		},
	);
});

test("16 MiB pass both ways at once", async () => {
	const sent = Buffer.alloc(16 << 20, "socketry");
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			for await (const chunk of stream) await stream.write(chunk);
			await stream.close();
		},
		async (to) => {
			const { code, stdout } = await ours(["connect", to], sent);
			assert.equal(code, 0);
			assert.ok(stdout.equals(sent));
		},
	);
});

test("--timeout ends it with 124, Ctrl-C with 130", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		(stream) =>
			stream
				.read()
				.catch(() => {})
				.then(() => stream.abort()),
		async (to) => {
			const { code, stderr } = await ours(["connect", to, "--timeout", "200ms"], "open");
			assert.deepEqual([code, /--timeout/.test(stderr)], [124, true]);
		},
	);
	const far = await listen("tcp://127.0.0.1:0");
	const interrupted = startOurs(["connect", formatAddress(far.address)], "open");
	const stream = await far.accept();
	interrupted.process.stdin?.write("x");
	await stream.readExactly(1);
	interrupted.process.kill("SIGINT");
	assert.equal(await stream.read(), null);
	await stream.close();
	far.close();
	const { code, stderr } = await interrupted.ended;
	assert.deepEqual([code, stderr], [130, ""]);
});

test("--crlf sends line feeds as CRLF, and leaves CRLF as it is", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			for await (const chunk of stream) await stream.write(chunk);
			await stream.close();
		},
		async (to) => {
			const { stdout } = await ours(["connect", to, "--crlf"], "a\nb\r\nc");
			assert.equal(stdout.toString(), "a\r\nb\r\nc");
		},
	);
});

test("--hex and --json show what comes", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			await stream.write(Buffer.from([0x68, 0x69, 0xff]));
			await stream.close();
		},
		async (to) => {
			const hex = await ours(["connect", to, "--hex"]);
			assert.match(hex.stdout.toString(), /^00000000: 6869 ff\s+hi\.\n$/);
			const json = await ours(["connect", to, "--json"]);
			const { time, ...rest } = JSON.parse(json.stdout.toString()) as Record<string, unknown>;
			assert.deepEqual(rest, { type: "data", v: 1, b64: "aGn/" });
			assert.match(String(time), /^\d{4}-/);
		},
	);
});

test("over a connection of messages a line is a message, and the end is told", async () => {
	await inFolder(async (folder) => {
		await serving(
			await listen(`unix-seqpacket:${folder}/s`),
			async (packets) => {
				const got: string[] = [];
				for await (const message of packets) got.push(Buffer.from(message).toString());
				await pause(LATE_MS);
				await packets.send(JSON.stringify(got));
				await packets.close();
			},
			async (to) => {
				const lines = await ours(["connect", to], "one\ntwo\nlast");
				assert.deepEqual([lines.code, lines.stdout.toString()], [0, '["one","two","last"]\n']);
				const whole = await ours(["connect", to, "--message", "whole"], "one\ntwo\n");
				assert.equal(whole.stdout.toString(), '["one\\ntwo\\n"]');
				const length = await ours(
					["connect", to, "--message", "length"],
					"\0\0\0\u0003abc\0\0\0\u0001d",
				);
				assert.equal(length.stdout.toString(), '\0\0\0\u000b["abc","d"]');
				const netstring = await ours(["connect", to, "--message", "netstring"], "1:x,2:yz,");
				assert.equal(netstring.stdout.toString(), '10:["x","yz"],');
			},
		);
	});
});

test("datagrams end by silence after the end of the input, or by their count", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const serve = (async () => {
		for await (const { data, from } of server) await server.send(`<${Buffer.from(data)}>`, from);
	})();
	const to = formatAddress(server.address);
	const idle = await ours(["connect", to, "--idle", "3s"], "a\nb");
	assert.deepEqual([idle.code, idle.stdout.toString()], [0, "<a>\n<b>\n"]);
	const open = startOurs(["connect", to, "--count", "1"], "open");
	open.process.stdin?.write("c\n");
	const counted = await open.ended;
	assert.deepEqual([counted.code, counted.stdout.toString()], [0, "<c>\n"]);
	await server.close();
	await serve;
	const refused = await ours(["connect", to], "x");
	assert.deepEqual([refused.code, /ECONNREFUSED/.test(refused.stderr)], [1, true]);
});

test("a program after -- has the connection as its input and output, and its exit code is ours", async () => {
	await serving(await listen("tcp://127.0.0.1:0"), answerLate, async (to) => {
		const asked = await ours(["connect", to, "--", "sh", "-c", "printf abc; exit 7"]);
		assert.deepEqual([asked.code, asked.stderr], [7, ""]);
		assert.equal((await ours(["connect", to, "--", "/no/such/program"])).code, 127);
		assert.equal((await ours(["connect", to, "--", "/etc/passwd"])).code, 126);
		assert.equal((await ours(["connect", to, "--", "sh", "-c", "kill -9 $$"])).code, 137);
	});
});

test("--as-owner refuses the socket of another user", async () => {
	await inFolder(async (folder) => {
		await serving(await listen(`unix:${folder}/s`), answerLate, async (to) => {
			const uid = process.getuid?.() ?? 0;
			assert.equal((await ours(["connect", to, "--as-owner", `${uid}`], "x")).code, 0);
			const other = await ours(["connect", to, "--as-owner", `${uid + 1}`], "x");
			assert.deepEqual([other.code, other.stdout.length], [1, 0]);
		});
	});
});

test("--send-fd passes a descriptor with the first byte", async () => {
	await inFolder(async (folder) => {
		await serving(
			await listen(`unix:${folder}/s`, { receiveDescriptors: true }),
			async (stream) => {
				await stream.readExactly(2);
				const kinds = stream.takeDescriptors().flatMap(({ descriptors }) =>
					descriptors.map((each) => {
						const { kind } = each;
						each.close();
						return kind;
					}),
				);
				await stream.write(kinds.join());
				await stream.close();
			},
			async (to) => {
				const shell = ["sh", "-c", 'exec "$@" 3<package.json', "sh"];
				const command = [...shell, ...PROGRAM, "connect", to, "--send-fd", "3"];
				const { code, stdout } = await start(command, "hi").ended;
				assert.deepEqual([code, stdout.toString()], [0, "file"]);
			},
		);
	});
});

for (const kind of ["unix", "unix-seqpacket"] as const) {
	test(`a descriptor that nothing was sent with has not been passed, which is exit code 4 (${kind})`, async () => {
		const at = `${kind}:${abstractName()}` as "unix:@x";
		await using listener = await listen(at);
		const connecting = ours(["connect", at, "--send-fd", "2"], "");
		await using stream = await listener.accept();
		const { code, stderr } = await connecting;
		assert.equal(code, 4);
		assert.match(stderr, /the descriptor was not passed: it goes with the first byte or message/);
		stream.abort();
	});
}

test("whoever reads our output and leaves early ends it with 141 and without a word", async () => {
	await serving(
		await listen("tcp://127.0.0.1:0"),
		async (stream) => {
			try {
				for (;;) await stream.write(Buffer.alloc(65_536, "x\n"));
			} catch {
				stream.abort();
			}
		},
		async (to) => {
			const reader = startOurs(["connect", to], "open");
			reader.process.stdout?.once("data", () => reader.process.stdout?.destroy());
			const { code, stderr } = await reader.ended;
			assert.deepEqual([code, stderr], [141, ""]);
		},
	);
});

test("--pass-fd passes the connected socket on through standard output and leaves, as OpenSSH asks for it", async () => {
	const far = await listen("tcp://127.0.0.1:0");
	const [mine, theirs] = socketpair("stream", { receiveDescriptors: true });
	const args = ["connect", "--pass-fd", formatAddress(far.address)];
	const child = spawn(PROGRAM[0] as string, [...PROGRAM.slice(1), ...args], {
		stdio: ["ignore", theirs.socket.fd, "inherit"],
	});
	const ended = once(child, "exit");
	await theirs.close();
	assert.deepEqual([...(await mine.readExactly(1))], [0]);
	const [arrival] = mine.takeDescriptors();
	assert.deepEqual((await ended)[0], 0);
	const passed = adopt(arrival?.descriptors[0] as OwnedDescriptor, { kind: "stream" });
	const other = await far.accept();
	await passed.write("through");
	assert.equal(Buffer.from(await other.readExactly(7)).toString(), "through");
	await Promise.all([passed.close(), other.close(), mine.close()]);
	far.close();
	const nowhere = await ours(["connect", "--pass-fd", "tcp://127.0.0.1:1"]);
	assert.equal(nowhere.code, 1);
});
