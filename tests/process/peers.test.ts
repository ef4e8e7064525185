/** Peers that stop, go on, or die: what the kernel leaves of a conversation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Listener, listen, type PacketStream, type Stream } from "socketry";
import { MSG_PEEK } from "socketry/sys";
import { type Child, startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT, PROMPT_MS, until } from "../support/patience.ts";

const CHILD = new URL("./peer.child.js", import.meta.url);
const KINDS = ["tcp", "unix"] as const;

async function meet(
	kind: (typeof KINDS)[number] | "packets",
	role: string,
): Promise<[child: Child, end: Stream | PacketStream]> {
	const name = abstractName();
	const address = {
		tcp: "tcp://127.0.0.1:0",
		unix: `unix:@${name}`,
		packets: `unix-seqpacket:@${name}`,
	}[kind];
	const listener = (await listen(address)) as Listener<Stream | PacketStream>;
	const { port } = listener.address as { port?: number };
	const to = port === undefined ? address : `tcp://127.0.0.1:${port}`;
	const child = startChild(CHILD, { args: [role, to] });
	const end = await listener.accept(PATIENT);
	listener.close();
	assert.equal(await child.line(), "connected");
	return [child, end];
}

/** Whether something has come that nobody has taken yet. */
function hasUnread({ socket }: Stream | PacketStream): boolean {
	return socket.tryRecv(new Uint8Array(1), MSG_PEEK) !== undefined;
}

async function gone(child: Child): Promise<void> {
	child.process.kill("SIGKILL");
	await child.ended;
}

for (const kind of KINDS) {
	test(`a peer that is stopped makes writing wait, and loses nothing when it goes on (${kind})`, async () => {
		const [child, end] = (await meet(kind, "sink")) as [Child, Stream];
		child.process.kill("SIGSTOP");
		const chunk = Buffer.alloc(50_000);
		let written = 0;
		let sum = 0;
		let blocked = false;
		while (!blocked) {
			for (let i = 0; i < chunk.length; i++) chunk[i] = (written + i) % 251;
			const copy = Buffer.from(chunk);
			try {
				await end.write(copy, { timeoutMs: 100 });
				for (const byte of copy) sum = (sum * 31 + byte) >>> 0;
				written += copy.length;
			} catch (error) {
				assert.equal((error as { code: string }).code, "ERR_TIMEOUT");
				const { bytesMoved } = error as { bytesMoved: number };
				// None of it is sent, or all of it will be.
				assert.ok(bytesMoved === 0 || bytesMoved === copy.length);
				if (bytesMoved > 0) {
					for (const byte of copy) sum = (sum * 31 + byte) >>> 0;
					written += copy.length;
				}
				blocked = true;
			}
		}
		assert.equal(end.bytesWritten, written);
		child.process.kill("SIGCONT");
		await end.write("end");
		for (const byte of Buffer.from("end")) sum = (sum * 31 + byte) >>> 0;
		await end.closeWrite();
		assert.equal(String(await end.readUntil("\n")), `${written + 3} ${sum}\n`);
		await end.close();
		assert.equal((await child.ended).code, 0);
	});

	test(`a peer that is stopped makes reading wait, and answers when it goes on (${kind})`, async () => {
		const [child, end] = (await meet(kind, "echo")) as [Child, Stream];
		child.process.kill("SIGSTOP");
		await end.write("hello");
		await assert.rejects(end.read({ timeoutMs: 50 }), { code: "ERR_TIMEOUT" });
		await assert.rejects(end.readExactly(5, { signal: AbortSignal.timeout(50) }), {
			code: "ABORT_ERR",
		});
		const reading = end.readExactly(5);
		child.process.kill("SIGCONT");
		assert.equal(String(await reading), "hello");
		await end.close();
		await child.ended;
	});

	test(`a stopped peer that never takes the rest is given up by close (${kind})`, async () => {
		const [child, end] = (await meet(kind, "silent")) as [Child, Stream];
		child.process.kill("SIGSTOP");
		void end.write(new Uint8Array(16 * 1024 * 1024));
		const start = performance.now();
		await assert.rejects(end.close({ timeoutMs: 50 }), { code: "ERR_TIMEOUT" });
		assert.ok(performance.now() - start < PROMPT_MS);
		assert.equal(end.socket.fd, -1);
		await gone(child);
	});

	test(`a peer that is killed ends reading, after what it had sent (${kind})`, async () => {
		const [child, end] = (await meet(kind, "pour")) as [Child, Stream];
		const first = await end.readExactly(1_000_000);
		assert.ok(first.every((byte) => byte === 120));
		await until(() => hasUnread(end));
		await gone(child);
		let rest = 0;
		for await (const chunk of end) rest += chunk.length;
		assert.ok(rest > 0);
		assert.equal(await end.read(), null);
		await end.close();
	});

	test(`a peer that is killed with our bytes unread resets, once and for good (${kind})`, async () => {
		const [child, end] = (await meet(kind, "silent")) as [Child, Stream];
		await end.write("never read");
		await end.flush();
		// Until it is there: behind the end of a peer that has gone it would be no reset for who reads.
		await until(() => (end.stats().tcp?.unacked ?? 0) === 0);
		const reading = assert.rejects(end.read(), { code: "ECONNRESET", syscall: "recv" });
		await gone(child);
		await reading;
		await assert.rejects(end.read(), { code: "ECONNRESET" });
		const failures = new Set<string>();
		for (let i = 0; i < 3; i++) {
			await end.write(new Uint8Array(100_000)).catch((error) => failures.add(error.code));
		}
		for (const code of failures) assert.match(code, /^(EPIPE|ECONNRESET)$/);
		assert.ok(failures.size > 0);
		await end.close().catch(() => {});
		assert.equal(end.socket.fd, -1);
	});

	test(`a peer that is killed fails a write that waits (${kind})`, async () => {
		const [child, end] = (await meet(kind, "silent")) as [Child, Stream];
		const writing = end.write(new Uint8Array(32 * 1024 * 1024));
		const flushing = end.flush();
		await Promise.all([
			assert.rejects(writing, { message: /EPIPE|ECONNRESET/ }),
			assert.rejects(flushing, { message: /EPIPE|ECONNRESET/ }),
			gone(child),
		]);
		assert.equal(end.queuedBytes, 0);
		end.abort();
	});
}

test("packets of a peer that is killed arrive whole, up to the last that was sent", async () => {
	const [child, end] = (await meet("packets", "packets")) as [Child, PacketStream];
	for (let i = 0; i < 5_000; i++) assert.equal(String(await end.receive()), `${i}`);
	await until(() => hasUnread(end));
	await gone(child);
	let next = 5_000;
	for (;;) {
		const message = await end.receive().catch((error) => {
			assert.equal(error.code, "ECONNRESET");
			return null;
		});
		if (message === null) break;
		assert.equal(String(message), `${next++}`);
	}
	assert.ok(next > 5_000);
	await end.close();
});

test("a server outlives clients that are killed at any moment", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	const serving = (async () => {
		for await (const stream of listener) {
			(async () => {
				for await (const chunk of stream) await stream.write(chunk);
				await stream.close();
			})().catch(() => stream.abort());
		}
	})();
	for (let round = 0; round < 5; round++) {
		const children = ["echo", "pour", "sink", "silent"].map((role) =>
			startChild(CHILD, { args: [role, `tcp://127.0.0.1:${port}`] }),
		);
		await Promise.all(children.map((child) => child.line()));
		await Promise.all(
			children.map(async (child) => {
				await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
				await gone(child);
			}),
		);
	}
	await until(() => listener.acceptedCount === 20);
	listener.close();
	await serving;
});
