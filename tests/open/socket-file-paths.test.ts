import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Address, connect, datagrams, listen, type PacketStream, type Stream } from "socketry";
import { socket } from "socketry/socket";
import { inFolder } from "../support/folder.ts";
import { assertRefuses } from "../support/refusals.ts";

/** Bytes of paths to try: the last and the first that an address has and has not room for, and far beyond. */
const LENGTHS = [107, 108, 300, 4_095];
const PART_BYTES = 200;
/** Of the lock beside a socket file, whose path has to be one too: `.NAME.socketry-lock`. */
const LOCK_BYTES = 15;

/** Makes directories below a folder so that a path in the last one has so many bytes. */
function pathOfLength(folder: string, length: number): string {
	// Nobody else is to be in doubt about a file of his own, see src/open/bound-sockets.ts.
	const name = "far-off";
	let path = folder;
	for (;;) {
		const left = length - path.length - 1 - name.length - 1;
		if (left < 1) break;
		// What is left must not be a slash alone.
		path = join(path, "d".repeat(left > PART_BYTES + 1 ? PART_BYTES : left));
	}
	mkdirSync(path, { recursive: true });
	const full = join(path, name.padEnd(length - path.length - 1, "t"));
	assert.equal(Buffer.byteLength(full), length);
	return full;
}

/** Runs `body` in a folder below a path of so many bytes. */
async function atLength(length: number, body: (path: string) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		const path = pathOfLength(folder, length);
		await body(path);
		assert.deepEqual(readdirSync(join(path, "..")), []);
	});
}

for (const length of LENGTHS) {
	describe(`a path of ${length} bytes`, () => {
		for (const transport of ["unix", "unix-seqpacket"] as const) {
			test(`${transport}: is listened on and connected to, and both ends tell it`, async () => {
				await atLength(length, async (path) => {
					const address = { transport, path } as Address;
					const listener = await listen(`${transport}:${path}`, { mode: 0o600 });
					assert.deepEqual(listener.address, address);
					assert.equal(lstatSync(path).mode & 0o777, 0o600);
					const client = await connect(address);
					const server = await listener.accept();
					assert.deepEqual(client.peer, address);
					assert.deepEqual(server.address, address);
					await exchange(client, server);
					listener.close();
					assert.deepEqual(listener.address, address);
				});
			});
		}

		test("is replaced when its owner is dead, and in any case if that is asked for", async () => {
			await atLength(Math.min(length, 4_095 - LOCK_BYTES), async (path) => {
				const first = await listen(`unix:${path}`);
				await assertRefuses(() => listen(`unix:${path}`), { code: "EADDRINUSE" });
				await assertRefuses(() => listen(`unix:${path}`, { onStale: "replace-dead" }), {
					code: "EADDRINUSE",
				});
				const second = await listen(`unix:${path}`, { onStale: "replace" });
				assert.deepEqual(second.address, first.address);
				first.close();
				await (await connect(`unix:${path}`)).close();
				// The file stays behind.
				second.socket.close();
				second.close();
				const error = await assertRefuses(() => connect(`unix:${path}`), { code: "ECONNREFUSED" });
				assert.equal((error as { path?: string }).path, path);
				const third = await listen(`unix:${path}`, { onStale: "replace-dead" });
				await (await connect(`unix:${path}`)).close();
				third.close();
			});
		});

		test("is told by errors as it was given", async () => {
			await atLength(length, async (path) => {
				for (const call of [
					() => connect(`unix:${path}`),
					() => connect(`unix:${path}`, { owner: "self" }),
					() => datagrams(undefined, { connect: `unix-dgram:${path}` }),
					() => listen(`unix:${join(path, "..").slice(0, -1)}e/socket`),
				]) {
					const error = await assertRefuses(call, { code: "ENOENT" });
					assert.doesNotMatch(error.message, /proc/);
				}
				const sender = await datagrams({ transport: "unix-dgram" });
				const error = await assertRefuses(() => sender.send("x", `unix-dgram:${path}`), {
					code: "ENOENT",
				});
				assert.equal((error as { path?: string }).path, path);
				await sender.close();
			});
		});

		test("receives datagrams, one by one, in batches and over a connection, and answers", async () => {
			await atLength(length, async (path) => {
				await inFolder(async (folder) => {
					const address: Address = { transport: "unix-dgram", path };
					const server = await datagrams(address);
					assert.deepEqual(server.address, address);
					const client = await datagrams(`unix-dgram:${folder}/client`);
					// Of one tick, which would leave in a batch by a short path.
					await Promise.all(["a", "b", "c"].map((text) => client.send(text, address)));
					assert.ok(client.trySend("d", `unix-dgram:${path}`));
					await client.sendBatch(Buffer.from("efg"), 1, address);
					for (const text of "abcdefg") {
						const { data, from } = await server.receive();
						assert.equal(String(data), text);
						assert.deepEqual(from, client.address);
					}
					await server.send("answer", client.address);
					const { data, from } = await client.receive();
					assert.equal(String(data), "answer");
					// A name of the kernel's for a long one, but one that leads back.
					await client.send("to the answer", from);
					assert.equal(String((await server.receive()).data), "to the answer");
					const peer = await datagrams(undefined, { connect: address });
					assert.deepEqual(peer.peer, address);
					await peer.send("connected");
					assert.equal(String((await server.receive()).data), "connected");
					await Promise.all([server.close(), client.close(), peer.close()]);
				});
			});
		});

		test("waits for room at a peer whose queue is full", async () => {
			await atLength(length, async (path) => {
				const server = await datagrams(`unix-dgram:${path}`);
				const client = await datagrams({ transport: "unix-dgram" });
				const count = 2_000;
				const received = (async () => {
					for (let i = 0; i < count; i++) {
						assert.equal(String((await server.receive()).data), String(i));
						if (i % 64 === 0) await new Promise(setImmediate);
					}
				})();
				for (let i = 0; i < count; i++) await client.send(String(i), `unix-dgram:${path}`);
				await client.flush();
				await received;
				assert.equal(client.sentCount, count);
				await Promise.all([server.close(), client.close()]);
			});
		});

		test("is a client's own address", async () => {
			await atLength(length, async (path) => {
				await inFolder(async (folder) => {
					const listener = await listen(`unix:${folder}/server`);
					const client = await connect(`unix:${folder}/server`, { localAddress: `unix:${path}` });
					assert.deepEqual(client.address, { transport: "unix", path });
					assert.ok(lstatSync(path).isSocket());
					await client.close();
					listener.close();
				});
			});
		});
	});
}

async function exchange(
	client: Stream | PacketStream,
	server: Stream | PacketStream,
): Promise<void> {
	if ("write" in client && "write" in server) {
		await client.write("hello");
		assert.equal(String(await server.readExactly(5)), "hello");
	} else if ("send" in client && "send" in server) {
		await client.send("hello");
		assert.equal(String(await server.receive()), "hello");
	}
	await Promise.all([client.close(), server.close()]);
}

test("the path that a server moved its directory to leads there, however often it moves", async () => {
	await inFolder(async (folder) => {
		const directory = join(folder, "d".repeat(150));
		mkdirSync(directory);
		const client = await datagrams({ transport: "unix-dgram" });
		const to = `unix-dgram:${directory}/socket`;
		for (let i = 0; i < 3; i++) {
			const server = await datagrams(to);
			await client.send(`to ${i}`, to);
			assert.equal(String((await server.receive()).data), `to ${i}`);
			await server.close();
			rmSync(directory, { recursive: true });
			mkdirSync(directory);
		}
		await client.close();
	});
});

test("a last part that does not fit is refused to who binds, with what would fit", async () => {
	await inFolder(async (folder) => {
		const fits = join(folder, "d".repeat(60), "n".repeat(80));
		mkdirSync(join(fits, ".."));
		const listener = await listen(`unix:${fits}`);
		listener.close();
		rmSync(join(fits, ".."), { recursive: true });
		const path = join(folder, "n".repeat(108));
		const refusal = {
			code: "ERR_INVALID_ADDRESS",
			message: /its last part has 108 bytes, but only (8\d|9\d) fit into a Unix address/,
		};
		for (const onStale of ["error", "replace-dead"] as const) {
			await assertRefuses(() => listen(`unix:${path}`, { onStale }), refusal);
			await assertRefuses(() => datagrams(`unix-dgram:${path}`, { onStale }), refusal);
		}
		assert.deepEqual(readdirSync(folder), []);
		// What replaces is bound by another name.
		for (const name of [path, join(folder, "n".repeat(240)), join(folder, "n".repeat(85))]) {
			const replacing = await listen(`unix:${name}`, { onStale: "replace" });
			await (await connect(`unix:${name}`)).close();
			replacing.close();
		}
		assert.deepEqual(readdirSync(folder), []);
	});
});

test("any last part is connected and sent to", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "n".repeat(255));
		const listener = await listen(`unix:${folder}/short`);
		renameSync(join(folder, "short"), path);
		const client = await connect(`unix:${path}`);
		const server = await listener.accept();
		await exchange(client, server);
		listener.close();
		rmSync(path);
		const receiver = await datagrams(`unix-dgram:${folder}/short`);
		renameSync(join(folder, "short"), path);
		const sender = await datagrams({ transport: "unix-dgram" });
		await sender.send("far", `unix-dgram:${path}`);
		assert.equal(String((await receiver.receive()).data), "far");
		await Promise.all([sender.close(), receiver.close()]);
	});
});

test("a relative path that is long stays that of its directory", async () => {
	await inFolder(async (folder) => {
		const before = process.cwd();
		const relative = join("r".repeat(120), "socket");
		mkdirSync(join(folder, "r".repeat(120)));
		process.chdir(folder);
		const listener = await listen(`unix:${relative}`);
		try {
			const client = await connect(`unix:${relative}`);
			assert.deepEqual(client.peer, { transport: "unix", path: relative });
			await client.close();
		} finally {
			process.chdir(before);
		}
		assert.deepEqual(listener.address, { transport: "unix", path: relative });
		listener.close();
		assert.deepEqual(readdirSync(join(folder, "r".repeat(120))), []);
	});
});

test("a low-level socket takes no more than an address holds", () => {
	const low = socket("unix", "stream");
	const path = `/${"p".repeat(107)}`;
	assert.throws(() => low.bind({ family: "unix", path }), {
		code: "ERR_INVALID_ADDRESS",
		message: /the path has 108 bytes, but a Unix address holds 107/,
	});
	low.close();
});

for (const transport of ["unix", "unix-seqpacket"] as const) {
	test(`${transport}: abstract names may hold and end with NULs, and differ by them`, async () => {
		const names = ["", "\0", "\0\0", "\0x", "x\0"].map(
			(ending) => `socketry-${process.pid}-${ending}`,
		);
		const listeners = await Promise.all(
			names.map((abstract) => listen({ transport, abstract } as Address)),
		);
		for (const [i, abstract] of names.entries()) {
			const client = await connect({ transport, abstract } as Address);
			const server = await (listeners[i] as (typeof listeners)[number]).accept();
			assert.deepEqual(client.peer, { transport, abstract });
			assert.deepEqual(server.address, { transport, abstract });
			await exchange(client, server);
		}
		for (const listener of listeners) listener.close();
	});

	test(`${transport}: without a name the kernel finds one that nobody has`, async () => {
		const listeners = await Promise.all(
			Array.from({ length: 20 }, () => listen({ transport } as Address)),
		);
		const names = listeners.map(({ address }) => (address as { abstract: string }).abstract);
		assert.equal(new Set(names).size, 20);
		for (const [i, abstract] of names.entries()) {
			assert.match(abstract, /^[0-9a-f]{5}$/);
			const client = await connect({ transport, abstract } as Address);
			await exchange(client, await (listeners[i] as (typeof listeners)[number]).accept());
		}
		for (const listener of listeners) listener.close();
	});
}

test("unix-dgram: names with NULs and names of the kernel are sent to and answered", async () => {
	const abstract = `socketry-${process.pid}-a\0b\0`;
	const server = await datagrams({ transport: "unix-dgram", abstract });
	const client = await datagrams({ transport: "unix-dgram" });
	await client.send("question", { transport: "unix-dgram", abstract });
	const { from } = await server.receive();
	assert.deepEqual(from, client.address);
	assert.match((from as { abstract: string }).abstract, /^[0-9a-f]{5}$/);
	await server.send("answer", from);
	assert.deepEqual((await client.receive()).from, { transport: "unix-dgram", abstract });
	await Promise.all([server.close(), client.close()]);
});
