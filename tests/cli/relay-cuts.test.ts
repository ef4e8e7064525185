/**
 * Connections that are cut in the middle, by a reset or by the death of a process: what was delivered is a beginning of what was sent, and the other side
 * learns of it. SOCKETRY_CUTS=all tries all cuts of all kinds, and not just one of each that is more than one plain relay; SOCKETRY_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { PacketStream, Stream } from "socketry";
import { randomSource } from "#src/random.ts";
import { type Chain, type ChainKind, type Connection, KINDS, nameOf, withChain } from "./chain.ts";
import { Pattern } from "./pattern.ts";

const TRIES_ALL = process.env["SOCKETRY_CUTS"] === "all";
const WITHOUT_END = Number.MAX_SAFE_INTEGER;
const CHILD = fileURLToPath(new URL("./bulk-peer.child.js", import.meta.url));
const CUT_BYTES_MAX = 2 << 20;
const { seed } = randomSource(
	process.env["SOCKETRY_SEED"] === undefined ? undefined : Number(process.env["SOCKETRY_SEED"]),
);
const random = randomSource(seed);

/** How a conversation of one side ended. */
interface Outcome {
	readonly received: Error | undefined;
	readonly sent: Error | undefined;
}

/** Sends without end and reads to the end. Calls `cut` once, after so many bytes have come. */
async function converse(
	connection: Connection,
	[mine, theirs]: readonly [Pattern, Pattern],
	cut?: () => unknown,
): Promise<Outcome> {
	const limit = random.below(CUT_BYTES_MAX);
	let isCut = cut === undefined;
	const onBytes = (bytes: number): void => {
		if (isCut || bytes < limit) return;
		isCut = true;
		cut?.();
	};
	const [received, sent] = await Promise.all([
		failureOf(mine.receive(connection, theirs, onBytes)),
		failureOf(mine.send(connection, WITHOUT_END)),
	]);
	connection.abort();
	// A byte that is wrong is worse than any cut.
	if (received instanceof assert.AssertionError) throw received;
	return { received, sent };
}

function failureOf(promise: Promise<unknown>): Promise<Error | undefined> {
	return promise.then(
		() => undefined,
		(error: Error) => error,
	);
}

/** Gives a connection to a process of its own, which sends and reads as `converse`. Returns what kills it. */
function giveAway(connection: Connection, mine: number, theirs: number): () => Promise<unknown> {
	const socket = (connection as Stream | PacketStream).detach();
	const { NODE_TEST_CONTEXT: _, ...env } = process.env;
	const child = spawn(process.execPath, [CHILD, String(mine), String(theirs)], {
		stdio: ["ignore", "inherit", "inherit", socket.fd],
		env,
	});
	socket.close();
	const ended = once(child, "exit");
	return () => {
		child.kill("SIGKILL");
		return ended;
	};
}

/** What cuts, and who is to be told. */
type Cutter = (chain: Chain, patterns: readonly [Pattern, Pattern]) => Promise<readonly Outcome[]>;

const CUTS: Readonly<Record<string, Cutter>> = {
	"a client that resets": async ({ connect, accept }, [there, back]) => {
		const served = accept().then((server) => converse(server, [back, there]));
		const client = await connect();
		await converse(client, [there, back], () => client.abort());
		return [await served];
	},
	"a server that resets": async ({ connect, accept }, [there, back]) => {
		const served = accept().then((server) => converse(server, [back, there], () => server.abort()));
		const told = converse(await connect(), [there, back]);
		await served;
		return [await told];
	},
	"a client that is killed": async ({ connect, accept }, [there, back]) => {
		const kill = giveAway(await connect(), seed, seed + 1);
		return [await converse(await accept(), [back, there], kill)];
	},
	"a server that is killed": async ({ connect, accept }, [there, back]) => {
		const accepted = accept();
		const client = await connect();
		const kill = giveAway(await accepted, seed + 1, seed);
		return [await converse(client, [there, back], kill)];
	},
	"a relay that is killed": async ({ connect, accept, relays }, [there, back]) => {
		const victim = relays[random.below(relays.length)];
		const served = accept().then((server) => converse(server, [back, there]));
		const kill = (): void => void victim?.process.kill("SIGKILL");
		return [await converse(await connect(), [there, back], kill), await served];
	},
};

async function check(kind: ChainKind, name: string, cutter: Cutter): Promise<void> {
	await withChain(kind, async (chain) => {
		const outcomes = await cutter(chain, [new Pattern(seed), new Pattern(seed + 1)]);
		for (const { received, sent } of outcomes) {
			assert.ok(received !== undefined || sent !== undefined, `${name}: it looks like an end`);
		}
		for (const relay of chain.relays) {
			const { code, stderr } = await relay.ended;
			if (code !== 137) assert.equal(code, 4, `${name}: ${stderr}`);
		}
	});
}

for (const kind of KINDS) {
	const name = nameOf(kind);
	// What speaks TLS, or has read ahead, is not in the kernel alone, and cannot be given to another process.
	const cuts = Object.entries(CUTS).filter(
		([cut]) => !/tls|proxy/.test(name) || !/(client|server) that is killed/.test(cut),
	);
	const isPlain = kind.places.length === 2 && kind.args === undefined;
	const some = isPlain || TRIES_ALL ? cuts : [cuts[random.below(cuts.length)] as (typeof cuts)[0]];
	test(`cuts are told through ${name}`, async (t: TestContext) => {
		t.diagnostic(`SOCKETRY_SEED=${seed}`);
		await Promise.all(some.map(([cut, cutter]) => check(kind, cut, cutter)));
	});
}

/** One way only, the other one having ended: then nothing but the end itself can tell. */
async function checkOneWay(kind: ChainKind, cutsClient: boolean): Promise<void> {
	const { places } = kind;
	const receiver = cutsClient ? places.at(-1) : places[0];
	// A Unix socket knows no reset, unless something is unread.
	const isTold = receiver === "tcp";
	await withChain(kind, async ({ connect, accept, relays }) => {
		const accepted = accept();
		const ends = [await connect(), await accepted] as const;
		const [source, sink] = cutsClient ? ends : [ends[1], ends[0]];
		const pattern = new Pattern(seed);
		await sink.closeWrite();
		assert.equal(await new Pattern(seed + 1).receive(source, pattern), 0);
		const limit = random.below(CUT_BYTES_MAX);
		const sending = failureOf(pattern.send(source, WITHOUT_END));
		const received = await failureOf(
			new Pattern(seed + 2).receive(sink, pattern, (bytes) => bytes >= limit && source.abort()),
		);
		await sending;
		if (isTold) assert.notEqual(received, undefined, "it looks like an end");
		sink.abort();
		for (const relay of relays) assert.equal((await relay.ended).code, 4);
	});
}

for (const kind of KINDS.filter(({ places }) => places[0] === "tcp" || places.at(-1) === "tcp")) {
	const { places } = kind;
	test(`cuts of one way are told through ${nameOf(kind)}`, async (t: TestContext) => {
		t.diagnostic(`SOCKETRY_SEED=${seed}`);
		if (places[0] === "tcp") await checkOneWay(kind, true);
		if (places.at(-1) === "tcp") await checkOneWay(kind, false);
	});
}
