/** What the peer of a duplex sees when the duplex is destroyed, ended or reset: the same as of a `net.Socket`. */
import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { toDuplex, toNetSocket } from "socketry/node";
import type { Stream } from "#src/stream/stream.ts";
import { bytesOf, closed, TRANSPORTS } from "./sockets.ts";

/** What both kinds have. */
type Subject = Duplex & { destroySoon(): void; resetAndDestroy(): unknown };

const REPLY = "reply";
const UNREAD = "unread";

const ENDINGS: Readonly<Record<string, (subject: Subject) => unknown>> = {
	"destroy()": (subject) => subject.destroy(),
	"destroy(error)": (subject) => subject.destroy(new Error("enough")),
	"end()": (subject) => subject.end(),
	"end(reply)": (subject) => subject.end(REPLY),
	"end(reply), destroy()": (subject) => subject.end(REPLY).destroy(),
	"write(reply), destroy()": (subject) => {
		subject.write(REPLY);
		subject.destroy();
	},
	"write(reply), destroySoon()": (subject) => {
		subject.write(REPLY);
		subject.destroySoon();
	},
	"resetAndDestroy()": (subject) => subject.resetAndDestroy(),
	"write(reply), resetAndDestroy()": (subject) => {
		subject.write(REPLY);
		subject.resetAndDestroy();
	},
};

// A net.Socket refuses to reset what is no TCP. Once its writing has ended, a duplex is gentle: its peer reads the reply and the end, whatever it had sent.
const isComparable = (ending: string, before: string, transport: string): boolean =>
	ending.includes("reset")
		? transport === "TCP"
		: !(ending.includes("Soon") && before === "unread in the kernel");

const BEFORE: Readonly<Record<string, (subject: Subject, peer: Stream) => void | Promise<void>>> = {
	"nothing unread": () => undefined,
	// No turn of the loop passes in which the subject could take it.
	"unread in the kernel": (_subject, peer) => {
		send(peer);
		const unacked = (): number => peer.stats().tcp?.unacked ?? 0;
		for (let i = 0; i < 1_000_000 && unacked() > 0; i++);
		assert.equal(unacked(), 0, "it has arrived");
	},
	"unread in the duplex": async (subject, peer) => {
		send(peer);
		for (let i = 0; i < 1_000_000 && subject.readableLength === 0; i++) {
			await new Promise(setImmediate);
		}
		assert.equal(subject.readableLength, UNREAD.length);
	},
};

const KINDS: Readonly<Record<"native" | "ours", (stream: Stream) => Promise<Subject>>> = {
	native: (stream) => toNetSocket(stream),
	ours: async (stream) => toDuplex(stream),
};

function send(peer: Stream): void {
	peer.write(UNREAD).catch(() => undefined);
	peer.flush().catch(() => undefined);
}

/** Everything up to the end, or the error. */
async function seenBy(peer: Stream): Promise<string> {
	let seen = "";
	try {
		for await (const bytes of peer) seen += String(bytes);
	} catch (error) {
		return `${seen}, ${(error as { code?: string }).code}`;
	}
	return `${seen}, end`;
}

async function sight(
	[stream, peer]: readonly [Stream, Stream],
	kind: keyof typeof KINDS,
	ending: string,
	before: string,
	isWriting: boolean,
): Promise<string> {
	const subject = await KINDS[kind](stream);
	const errors: string[] = [];
	subject.on("error", ({ message }) => errors.push(message));
	await BEFORE[before]?.(subject, peer);
	ENDINGS[ending]?.(subject);
	if (/destroy/i.test(ending)) await closed(subject);
	if (isWriting) await peer.write("late").catch(() => undefined);
	const seen = await seenBy(peer);
	// A subject that has only ended is none of this test's any more.
	subject.destroy();
	await closed(subject);
	peer.abort();
	return [seen, ...errors].join("; ");
}

for (const [transport, makePair] of TRANSPORTS) {
	describe(`the peer of a duplex over ${transport}`, () => {
		for (const before of Object.keys(BEFORE)) {
			test(`sees what it sees of a net.Socket, with ${before}`, async () => {
				const sights: Record<"native" | "ours", Record<string, string>> = { native: {}, ours: {} };
				for (const ending of Object.keys(ENDINGS)) {
					if (!isComparable(ending, before, transport)) continue;
					for (const isWriting of [false, true]) {
						const name = `${ending}${isWriting ? ", and then the peer writes" : ""}`;
						for (const kind of ["native", "ours"] as const) {
							sights[kind][name] = await sight(await makePair(), kind, ending, before, isWriting);
						}
					}
				}
				assert.deepEqual(sights.ours, sights.native);
			});
		}
	});
}

test("whoever has ended writing and is destroyed resets nothing, although bytes of the peer are unread", async () => {
	for (const [, makePair] of TRANSPORTS) {
		const seen = await sight(
			await makePair(),
			"ours",
			"write(reply), destroySoon()",
			"unread in the kernel",
			false,
		);
		assert.equal(seen, "reply, end");
	}
});

test("bytes that did not go out are told to the peer by a reset, where a net.Socket ends as if all were well", async () => {
	const sights: string[] = [];
	for (const kind of ["native", "ours"] as const) {
		const [, makePair] = TRANSPORTS[0] as (typeof TRANSPORTS)[number];
		const [stream, peer] = await makePair();
		const subject = await KINDS[kind](stream);
		subject.write(bytesOf(20_000_000));
		subject.destroy();
		await closed(subject);
		sights.push((await seenBy(peer)).split(", ")[1] as string);
		peer.abort();
	}
	assert.deepEqual(sights, ["end", "ECONNRESET"]);
});
