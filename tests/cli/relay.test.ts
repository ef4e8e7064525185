import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
	connect,
	datagrams,
	formatAddress,
	type Listener,
	listen,
	type PacketStream,
	type Stream,
} from "socketry";
import { readProxyHeader } from "socketry/proxy";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { ours, startOurs, type Talking } from "./talk.ts";

/** Starts a relay and waits until it listens. */
async function startRelay(
	from: string,
	to: string,
	args: readonly string[] = [],
): Promise<Talking & { readonly near: string }> {
	const talking = startOurs(["relay", from, to, ...args]);
	const [, near = ""] = await talking.said(/^listening on (.*), for /m);
	return { ...talking, near };
}

async function end(talking: Talking): Promise<number> {
	talking.process.kill("SIGTERM");
	return (await talking.ended).code;
}

/** Serves the first connection. */
async function serveOne<T extends Stream | PacketStream>(
	listener: Listener<T>,
	serve: (connection: T) => Promise<unknown>,
): Promise<void> {
	const connection = await listener.accept();
	listener.close();
	await serve(connection);
}

async function readAll(source: Stream): Promise<void> {
	for await (const _ of source);
}

test("a connection that is reset in the middle is reset at the other end, and the relay ends with 4", async () => {
	for (const breaks of ["client", "server"]) {
		const far = await listen("tcp://127.0.0.1:0");
		const relay = await startRelay("tcp://127.0.0.1:0", formatAddress(far.address), ["--once"]);
		const served = serveOne(far, async (stream) => {
			await stream.readExactly(1);
			if (breaks === "server") return stream.abort();
			await assert.rejects(readAll(stream), { code: "ECONNRESET" });
			stream.abort();
		});
		const stream = await connect(relay.near as `tcp:${string}`);
		const sending = (async () => {
			await stream.write(Buffer.alloc(1_000_000));
			await stream.flush();
		})();
		if (breaks === "client") {
			await sending;
			stream.abort();
		} else {
			// The reset may come before all of it has left.
			sending.catch(() => {});
			await assert.rejects(readAll(stream), { code: "ECONNRESET" });
		}
		stream.abort();
		await served;
		const { code, stderr } = await relay.ended;
		assert.equal(code, 4, stderr);
		assert.match(stderr, /data was cut/);
	}
});

test("a client whose server is not there is reset, and the relay goes on", async () => {
	await inFolder(async (folder) => {
		const relay = await startRelay("tcp://127.0.0.1:0", `${folder}/to`);
		const refused = await ours(["connect", relay.near], "open");
		assert.ok([1, 4].includes(refused.code));
		await relay.said(/ENOENT/);
		const far = await listen(`unix:${folder}/to`);
		const served = serveOne(far, async (stream) => {
			assert.equal(await readAll(stream).then(() => stream.write("late")), undefined);
			await stream.close();
		});
		const { code, stdout } = await ours(["connect", relay.near], "x");
		assert.deepEqual([code, stdout.toString()], [0, "late"]);
		await served;
		assert.equal(await end(relay), 143);
	});
});

test("several relays at once, figures by SIGUSR1, and socket files that are removed in the end", async () => {
	await inFolder(async (folder) => {
		const far = await listen("tcp://127.0.0.1:0");
		const to = formatAddress(far.address);
		const pairs = [`${folder}/a=${to}`, `unix:${folder}/b=${to}`];
		const relay = startOurs(["relay", ...pairs]);
		await relay.said(/b, for/);
		const serving = (async () => {
			for await (const stream of far) {
				for await (const chunk of stream) await stream.write(chunk);
				await stream.close();
			}
		})();
		for (const name of ["a", "b"]) {
			const { stdout } = await ours(["connect", `${folder}/${name}`], "hello");
			assert.equal(stdout.toString(), "hello");
		}
		relay.process.kill("SIGUSR1");
		await relay.said(/0 open, 2 done, 0 cut, 0 failed; 10 B to, 10 B from/);
		assert.equal(await end(relay), 143);
		assert.deepEqual([existsSync(`${folder}/a`), existsSync(`${folder}/b`)], [false, false]);
		far.close();
		await serving;
	});
});

test("what is under way when Ctrl-C comes may end, or is cut when its time is over, which is told", async () => {
	for (const [drain, expected] of [
		["60s", 130],
		["50ms", 4],
	] as const) {
		const far = await listen("tcp://127.0.0.1:0");
		const relay = await startRelay("0", formatAddress(far.address), ["--drain", drain]);
		const accepted = far.accept();
		const stream = await connect(relay.near as `tcp:${string}`);
		const other = await accepted;
		far.close();
		await stream.write("a");
		await other.readExactly(1);
		relay.process.kill("SIGINT");
		await relay.said(/waiting up to/);
		await assert.rejects(connect(relay.near as `tcp:${string}`), { code: "ECONNREFUSED" });
		if (expected === 130) {
			await other.write("late");
			await other.close();
			assert.equal(Buffer.from(await stream.readExactly(4)).toString(), "late");
			await stream.close();
		}
		assert.equal((await relay.ended).code, expected);
		stream.abort();
		other.abort();
	}
});

test("--max has further connections wait", async () => {
	const far = await listen("tcp://127.0.0.1:0");
	const relay = await startRelay("0", formatAddress(far.address), ["--max", "1"]);
	const first = await connect(relay.near as `tcp:${string}`);
	const firstFar = await far.accept();
	const second = await connect(relay.near as `tcp:${string}`);
	await assert.rejects(far.accept({ timeoutMs: 200 }), { code: "ERR_TIMEOUT" });
	await Promise.all([first.close(), firstFar.close()]);
	const secondFar = await far.accept();
	await Promise.all([second.close(), secondFar.close()]);
	far.close();
	assert.equal(await end(relay), 143);
});

test("--proxy-protocol tells the server who calls", async () => {
	for (const version of [1, 2] as const) {
		const far = await listen("tcp://127.0.0.1:0");
		const args = ["--once", "--proxy-protocol", `v${version}`];
		const relay = await startRelay("0", formatAddress(far.address), args);
		const stream = await connect(relay.near as `tcp:${string}`);
		const other = await far.accept();
		const header = await readProxyHeader(other);
		assert.deepEqual([header.version, header.source], [version, stream.address]);
		assert.equal(header.destination && formatAddress(header.destination), relay.near);
		await Promise.all([stream.close(), other.close()]);
		far.close();
		assert.equal((await relay.ended).code, 0);
	}
});

test("descriptors are passed on between Unix streams and between connections of messages", async () => {
	await inFolder(async (folder) => {
		for (const kind of ["unix", "unix-seqpacket"]) {
			const far = await listen(`${kind}:${folder}/to-${kind}`, { receiveDescriptors: true });
			const to = formatAddress(far.address);
			const relay = await startRelay(`${kind}:${folder}/from-${kind}`, to, ["--once"]);
			const asking = ours(["connect", relay.near, "--send-fd", "2"], "hi\n");
			const other = (await far.accept()) as Stream | PacketStream;
			let descriptors: readonly { readonly kind: string; close(): void }[];
			if ("write" in other) {
				await other.readExactly(3);
				descriptors = other.takeDescriptors().flatMap((arrival) => arrival.descriptors);
			} else descriptors = (await other.receiveMessage())?.descriptors ?? [];
			assert.deepEqual(
				descriptors.map((each) => each.kind),
				["stream"],
			);
			for (const each of descriptors) each.close();
			await other.close();
			far.close();
			assert.equal((await asking).code, 0);
			assert.equal((await relay.ended).code, 0);
		}
	});
});

test("each sender of datagrams has a session, which ends in silence, and what is too many is dropped", async () => {
	const far = await datagrams("udp://127.0.0.1:0");
	const senders = new Set<string>();
	const serving = (async () => {
		for await (const { data, from } of far) {
			senders.add(formatAddress(from));
			await far.send(data, from);
		}
	})();
	const args = ["--idle", "3s", "--max", "2"];
	const relay = await startRelay("udp://127.0.0.1:0", formatAddress(far.address), args);
	const clients = await Promise.all(
		[1, 2, 3].map(() => datagrams(undefined, { connect: relay.near })),
	);
	for (const [i, client] of clients.entries()) {
		await client.send(`from ${i}`);
		if (i < 2) assert.equal(Buffer.from((await client.receive()).data).toString(), `from ${i}`);
	}
	assert.equal(senders.size, 2);
	await assert.rejects((clients[2] as (typeof clients)[0]).receive({ timeoutMs: 100 }));
	const figures = async (pattern: RegExp): Promise<void> => {
		const said = relay.said(pattern);
		const asking = setInterval(() => relay.process.kill("SIGUSR1"), 50);
		await said.finally(() => clearInterval(asking));
	};
	await figures(/0 open, 2 done, 0 cut, 0 failed; .*1 datagrams dropped/);
	await Promise.all(clients.map((client) => client.close()));
	await far.close();
	await serving;
	assert.equal(await end(relay), 143);
});

test("sessions of datagrams, which have no end, are not waited for when the relay is stopped", async () => {
	const far = await datagrams("udp://127.0.0.1:0");
	const args = ["--drain", "1h"];
	const relay = await startRelay("udp://127.0.0.1:0", formatAddress(far.address), args);
	await using client = await datagrams(undefined, { connect: relay.near });
	await client.send("hello");
	await far.receive();
	assert.equal(await end(relay), 143);
	await far.close();
});

const roomMax = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
const isSmall = roomMax < 4_194_304 && "needs sysctl -w net.core.rmem_max=4194304";

test("a burst of datagrams waits for a relay that has no time", { skip: isSmall }, async () => {
	const count = 1_000;
	const far = await datagrams("udp://127.0.0.1:0", { receiveBufferBytes: 4_194_304 });
	const relay = await startRelay("udp://127.0.0.1:0", formatAddress(far.address));
	const client = await datagrams(undefined, { connect: relay.near });
	await client.send("first");
	await far.receive();
	relay.process.kill("SIGSTOP");
	// Longer and longer, so that the kernel takes no two of them for one.
	for (let i = 1; i <= count; i++) await client.send(Buffer.alloc(i));
	await client.flush();
	relay.process.kill("SIGCONT");
	for (let i = 1; i <= count; i++) {
		assert.equal((await far.receive(PATIENT)).data.length, i);
	}
	await Promise.all([client.close(), far.close()]);
	assert.equal(await end(relay), 143);
});

test("any kind of messages to any other", async () => {
	await inFolder(async (folder) => {
		const far = await datagrams(`unix-dgram:${folder}/to`);
		const serving = (async () => {
			for await (const { data, from } of far) await far.send(`<${Buffer.from(data)}>`, from);
		})();
		const packets = await listen(`unix-seqpacket:${folder}/packets`);
		const echoing = (async () => {
			for await (const connection of packets) {
				for await (const message of connection) await connection.send(`[${Buffer.from(message)}]`);
				await connection.close();
			}
		})();
		const pairs = [
			`unix-seqpacket:${folder}/1=unix-dgram:${folder}/to`,
			`unix-dgram:${folder}/2=unix-seqpacket:${folder}/packets`,
		];
		const relay = startOurs(["relay", ...pairs, "--idle", "3s"]);
		await relay.said(/\/2, for/);
		const first = await ours(["connect", `unix-seqpacket:${folder}/1`], "a\nb");
		assert.deepEqual([first.code, first.stdout.toString()], [0, "<a>\n<b>\n"]);
		const second = await ours(["connect", `unix-dgram:${folder}/2`, "--count", "2"], "a\nb");
		assert.deepEqual([second.code, second.stdout.toString()], [0, "[a]\n[b]\n"]);
		assert.equal(await end(relay), 143);
		packets.close();
		await far.close();
		await Promise.all([serving, echoing]);
	});
});

const MISTAKES: readonly (readonly [readonly string[], RegExp])[] = [
	[[], /FROM and TO are missing/],
	[["8080"], /TO is missing/],
	[["1", "2", "3"], /one word too many/],
	[["1", "udp://h:1"], /carries bytes and .* messages/],
	[["udp://*:1", "udp://h:1", "--proxy-protocol", "v1"], /for streams/],
	[["1", "2", "--proxy-protocol", "3"], /v1 or v2/],
	[["1", "2", "--mode", "9"], /octal/],
];

for (const [args, message] of MISTAKES) {
	test(`relay ${args.join(" ")} is a mistake that is explained`, async () => {
		const { code, stderr } = await ours(["relay", ...args]);
		assert.equal(code, 2);
		assert.match(stderr, message);
	});
}
