/** Bytes both ways at once through relays of every kind, with pauses on both sides: SOCKETRY_BULK_MIB says how many, SOCKETRY_SEED repeats a run. */
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, datagrams, formatAddress, listen, type PacketStream } from "socketry";
import { randomSource } from "#src/random.ts";
import { inFolder } from "../support/folder.ts";
import { type Connection, KINDS, nameOf, withChain } from "./chain.ts";
import { Pattern } from "./pattern.ts";
import { startOurs, type Talking } from "./talk.ts";

const MIB = Number(process.env["SOCKETRY_BULK_MIB"] ?? 16);
const BYTES = MIB * 2 ** 20;
const MESSAGES = MIB * 1_000;
/** A relay may be kept from running for a moment. */
const STILL_TIMES = 5;
const { seed } = randomSource(
	process.env["SOCKETRY_SEED"] === undefined ? undefined : Number(process.env["SOCKETRY_SEED"]),
);

for (const kind of KINDS) {
	test(`${MIB} MiB each way pass whole through ${nameOf(kind)}`, async (t: TestContext) => {
		t.diagnostic(`SOCKETRY_SEED=${seed}`);
		await withChain(kind, async ({ relays, connect, accept }) => {
			const [there, back] = [new Pattern(seed), new Pattern(seed + 1)];
			const served = accept().then((server) => exchange(server, back, there));
			await Promise.all([exchange(await connect(), there, back), served]);
			for (const relay of relays) {
				const { code, stderr } = await relay.ended;
				assert.equal(code, 0, stderr);
			}
		});
	});
}

test(`${MESSAGES} messages pass whole and in order from connected messages to datagrams, and back`, async () => {
	await inFolder(async (folder) => {
		const far = await datagrams(`unix-dgram:${folder}/to`);
		const to = formatAddress(far.address);
		const args = ["relay", `unix-seqpacket:${folder}/from`, to, "--once", "--idle", "5s"];
		const relay = startOurs(args);
		const [, near = ""] = await relay.said(/^listening on (.*), for /m);
		const client = (await connect(near)) as PacketStream;
		const answered = (async () => {
			for (let i = 0; i < MESSAGES; i++) {
				const { data, from } = await far.receive();
				assert.equal(numberOf(data), i);
				await far.send(data, from);
			}
		})();
		const returned = (async () => {
			for (let i = 0; i < MESSAGES; i++) assert.equal(numberOf(await client.receive()), i);
		})();
		for (let i = 0; i < MESSAGES; i++) await client.send(numbered(i));
		await client.closeWrite();
		await Promise.all([answered, returned]);
		await client.close();
		const { code, stderr } = await relay.ended;
		assert.equal(code, 0, stderr);
		await far.close();
	});
});

test("datagrams that come faster than they leave are dropped and counted, and the others arrive in order, even after Ctrl-C", async (t: TestContext) => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix-seqpacket:${folder}/to`);
		const to = formatAddress(listener.address);
		const relay = startOurs(["relay", `unix-dgram:${folder}/from`, to, "--json"]);
		const figures = figuresOf(relay);
		assert.equal((await figures.next()).type, "listening");
		const client = await datagrams(undefined, { connect: `unix-dgram:${folder}/from` });
		for (let i = 0; i < MESSAGES; i++) await client.send(numbered(i));
		await client.flush();
		const server = await listener.accept();
		listener.close();
		// Until the relay has seen them all: the server takes nothing, so that its queues stay full.
		for (let [seen, still] = [-1, 0]; still < STILL_TIMES; ) {
			relay.process.kill("SIGUSR1");
			const { droppedDatagrams } = await figures.next();
			still = droppedDatagrams === seen ? still + 1 : 0;
			seen = droppedDatagrams;
			await pause(50);
		}
		relay.process.kill("SIGTERM");
		assert.match((await figures.next()).text, /waiting up to/);
		let received = 0;
		let last = -1;
		for await (const message of server) {
			const number = numberOf(message);
			assert.ok(number > last, `${number} after ${last}`);
			last = number;
			received++;
		}
		await Promise.all([client.close(), server.close()]);
		const { code, stderr } = await relay.ended;
		const { type, droppedDatagrams } = await figures.next();
		t.diagnostic(`${received} of ${MESSAGES} arrived`);
		assert.deepEqual([code, type, received + droppedDatagrams], [143, "summary", MESSAGES], stderr);
	});
});

interface Figures {
	readonly type: string;
	readonly text: string;
	readonly droppedDatagrams: number;
}

/** What a relay tells by `--json`, line by line. */
function figuresOf({ process }: Talking): { next(): Promise<Figures> } {
	const lines = createInterface(process.stdout as Readable)[Symbol.asyncIterator]();
	return { next: async () => JSON.parse((await lines.next()).value ?? "{}") as Figures };
}

function numbered(number: number): Buffer {
	const message = Buffer.alloc(4 + (number % 500));
	message.writeUInt32BE(number);
	return message;
}

function numberOf(message: Uint8Array | null): number {
	return message === null ? -1 : Buffer.from(message).readUInt32BE();
}

async function exchange(connection: Connection, mine: Pattern, theirs: Pattern): Promise<void> {
	const [received] = await Promise.all([
		mine.receive(connection, theirs),
		mine.send(connection, BYTES),
	]);
	assert.equal(received, BYTES);
	await connection.close();
}
