import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Address, connect, LIMITS, listen, type Stream } from "socketry";
import { connectThrough } from "socketry/proxy";
import { inFolder } from "../support/folder.ts";

/** A proxy that plays a script to one client: reads as many bytes, or up to an empty line, and answers. */
async function scripted(
	steps: readonly [read: number | "head", answer: Uint8Array | string][],
	body: (address: Address, heard: Buffer[]) => Promise<void>,
): Promise<void> {
	await using listener = await listen("tcp://127.0.0.1:0");
	const heard: Buffer[] = [];
	const playing = (async () => {
		await using stream = await listener.accept();
		for (const [read, answer] of steps) {
			const bytes =
				read === "head" ? await stream.readUntil("\r\n\r\n") : await stream.readExactly(read);
			heard.push(Buffer.from(bytes ?? []));
			await stream.write(answer);
		}
		await stream.read().catch(() => null);
	})();
	await body(listener.address, heard);
	await playing.catch(() => {});
}

const SOCKS_OK = Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0);

function url(protocol: string, address: Address): string {
	return `${protocol}://127.0.0.1:${(address as { port: number }).port}`;
}

describe("SOCKS5", () => {
	test("asks by name and reads not a byte beyond the answer", async () => {
		const answer = Buffer.concat([SOCKS_OK, Buffer.from("and the server's first bytes")]);
		await scripted(
			[
				[3, Uint8Array.of(5, 0)],
				[18, answer],
			],
			async (address, heard) => {
				await using stream = await connectThrough(url("socks5", address), "tcp://example.org:80");
				assert.equal(heard[1]?.toString("latin1"), "\x05\x01\x00\x03\x0bexample.org\x00\x50");
				assert.equal(String(await stream.readExactly(28)), "and the server's first bytes");
			},
		);
	});

	test("asks by address, and takes every form of answer", async () => {
		const answers = [SOCKS_OK, [5, 0, 0, 4, ...Array(18).fill(0)], [5, 0, 0, 3, 1, 65, 0, 0]];
		const targets: [string, number][] = [
			["tcp://192.0.2.1:1", 10],
			["tcp://[2001:db8::1]:1", 22],
		];
		for (const answer of answers) {
			for (const [target, length] of targets) {
				await scripted(
					[
						[3, Uint8Array.of(5, 0)],
						[length, Uint8Array.from(answer)],
					],
					async (address) => {
						const stream = await connectThrough(url("socks5", address), target);
						stream.abort();
					},
				);
			}
		}
	});

	test("authenticates by user name and password", async () => {
		const steps: [number, Uint8Array][] = [
			[4, Uint8Array.of(5, 2)],
			[7, Uint8Array.of(1, 0)],
			[10, SOCKS_OK],
		];
		await scripted(steps, async (address, heard) => {
			const proxy = url("socks5", address).replace("//", "//me:p%40@");
			(await connectThrough(proxy, "tcp://192.0.2.1:1")).abort();
			assert.equal(heard[1]?.toString("latin1"), "\x01\x02me\x02p@");
		});
	});

	const refusals: [string, [number, Uint8Array][], RegExp, number][] = [
		["wants a password", [[3, Uint8Array.of(5, 0xff)]], /wants a user name/, 0xff],
		[
			"does not connect",
			[
				[3, Uint8Array.of(5, 0)],
				[10, Uint8Array.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0)],
			],
			/192\.0\.2\.1:1: 5 connection refused/,
			5,
		],
		["speaks another version", [[3, Uint8Array.of(4, 0)]], /does not speak SOCKS5/, 0],
		[
			"answers an unknown address",
			[
				[3, Uint8Array.of(5, 0)],
				[10, Uint8Array.of(5, 0, 0, 9)],
			],
			/does not speak SOCKS5/,
			0,
		],
	];
	for (const [name, steps, message, reply] of refusals) {
		test(`a proxy that ${name} is an error that says so`, async () => {
			await scripted(steps, async (address) => {
				const connecting = connectThrough(url("socks5", address), "tcp://192.0.2.1:1");
				await assert.rejects(connecting, { code: "ERR_PROXY", message, reply });
			});
		});
	}
});

describe("HTTP", () => {
	test("asks with its name, and reads not a byte beyond the answer", async () => {
		const answer =
			"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Connection established\r\nX: y\r\n\r\nhello";
		await scripted([["head", answer]], async (address, heard) => {
			const proxy = url("http", address).replace("//", "//me:secret@");
			await using stream = await connectThrough(proxy, "tcp://[::1]:80");
			assert.equal(
				String(heard[0]),
				"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n",
			);
			assert.equal(String(await stream.readExactly(5)), "hello");
		});
	});

	test("leaves what follows the answer in the kernel, however the answer is cut", async () => {
		for (const answer of [
			"HTTP/1.1 200 OK",
			"HTTP/1.0 200 Yes\r\nA: b\rc\r\nD: e",
			"HTTP/1.1 200",
		]) {
			await scripted([["head", `${answer}\r\n\r\nhello`]], async (address) => {
				const stream = await connectThrough(url("http", address), "tcp://example.org:80");
				const socket = stream.detach();
				const buffer = Buffer.alloc(10);
				assert.equal(await socket.recv(buffer), 5);
				assert.equal(buffer.toString("latin1", 0, 5), "hello");
				socket.close();
			});
		}
	});

	const refusals: [string, RegExp, number][] = [
		[
			"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
			/:80: 407 Proxy Authentication Required/,
			407,
		],
		["HTTP/1.0 503\r\n\r\n", /503/, 503],
		["SSH-2.0-OpenSSH\r\n", /no HTTP proxy/, 0],
		["220 mail", /no HTTP proxy/, 0],
		["x".repeat(20_000), /no HTTP proxy/, 0],
		["HTTP/1.1 100 Continue\r\n\r\n".repeat(20), /no HTTP proxy/, 0],
	];
	for (const [answer, message, reply] of refusals) {
		test(`the answer ${JSON.stringify(answer.slice(0, 30))} is an error that says so`, async () => {
			await scripted([["head", answer]], async (address) => {
				const connecting = connectThrough(url("http", address), "tcp://example.org:80");
				await assert.rejects(connecting, { code: "ERR_PROXY", message, reply });
			});
		});
	}
});

test("a proxy on a Unix socket is given as an object", async () => {
	await inFolder(async (folder) => {
		const address = `unix:${folder}/proxy`;
		await using listener = await listen(address);
		const connecting = connectThrough({ protocol: "http", address }, "tcp://example.org:80");
		await using server = (await listener.accept()) as Stream;
		await server.readUntil("\r\n\r\n");
		await server.write("HTTP/1.1 200 OK\r\n\r\n");
		await using client = await connecting;
		await client.write("x");
		assert.equal(String(await server.readExactly(1)), "x");
	});
});

test("a proxy that says nothing runs into the time limit, one that ends is an error", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	for (const protocol of ["socks5", "http"]) {
		const connecting = connectThrough(url(protocol, listener.address), "tcp://a:1", {
			timeoutMs: 40,
		});
		await assert.rejects(connecting, { code: "ERR_TIMEOUT", timeoutMs: 40 });
		(await listener.accept()).abort();
		const ending = connectThrough(url(protocol, listener.address), "tcp://a:1");
		const stream = await listener.accept();
		await stream.read();
		await stream.close();
		await assert.rejects(ending, { code: /^(ERR_END_OF_STREAM|ERR_PROXY)$/ });
	}
});

test("wrong proxies and targets are refused, and passwords not repeated", async () => {
	for (const proxy of [
		"ftp://me:secret@h:1",
		"socks5://me:/secret@h:1",
		"socks5://me:100%secret@h:1",
		"nonsense",
		"socks5://",
		{ protocol: "tls" },
	]) {
		await assert.rejects(connectThrough(proxy as string, "tcp://a:1"), (error: Error) => {
			assert.equal((error as unknown as { code: string }).code, "ERR_INVALID_ADDRESS");
			return !error.message.includes("secret");
		});
	}
	for (const target of ["udp://a:1", "unix:/x", "tcp://*:1"]) {
		await assert.rejects(connectThrough("socks5://127.0.0.1:1", target), {
			code: "ERR_INVALID_ADDRESS",
		});
	}
	await assert.rejects(connectThrough("socks5://127.0.0.1:1", "tcp://a:1"), {
		code: "ECONNREFUSED",
	});
	await assert.rejects(connect("tcp://127.0.0.1:1"), { code: "ECONNREFUSED" });
});

for (const protocol of ["socks5", "http"]) {
	test(`a ${protocol} proxy that does not answer is given up after a while, where no time limit is given`, async (t) => {
		await using listener = await listen("tcp://127.0.0.1:0");
		t.mock.timers.enable({ apis: ["setTimeout"] });
		try {
			const connecting = connectThrough(url(protocol, listener.address), "tcp://example.org:80");
			const rejected = assert.rejects(connecting, {
				code: "ERR_TIMEOUT",
				timeoutMs: LIMITS.handshakeMs,
				message: /^Connecting through the proxy/,
			});
			await using stream = await listener.accept();
			// It waits for the answer once it has asked.
			await stream.read();
			t.mock.timers.tick(LIMITS.handshakeMs);
			await rejected;
			assert.equal(await stream.read().catch(() => null), null);
		} finally {
			t.mock.timers.reset();
		}
	});
}
