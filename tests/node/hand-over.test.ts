/**
 * One connection that goes from object to object while its peer writes and reads: whatever had been read or written at the moment of a
 * hand-over, every byte arrives once and in order.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket as NetSocket } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fromNetSocket, toNetSocket } from "socketry/node";
import type { Stream } from "#src/stream/stream.ts";
import { bytesOf, closed, TRANSPORTS } from "./sockets.ts";

/** What happens to the connection, one after another. */
type Step =
	| { readonly kind: "peerWrites"; readonly bytes: number }
	| { readonly kind: "writes"; readonly bytes: number }
	| { readonly kind: "reads"; readonly bytes: number }
	| { readonly kind: "readsUntil" }
	| { readonly kind: "turns" }
	| { readonly kind: "goesOver" };

const sizes = fc.oneof(
	fc.integer({ min: 1, max: 40 }),
	fc.integer({ min: 1, max: 20_000 }),
	fc.integer({ min: 100_000, max: 400_000 }),
);

const steps: fc.Arbitrary<Step[]> = fc.array(
	fc.oneof(
		{ weight: 3, arbitrary: sizes.map((bytes): Step => ({ kind: "peerWrites", bytes })) },
		{ weight: 3, arbitrary: sizes.map((bytes): Step => ({ kind: "writes", bytes })) },
		{ weight: 2, arbitrary: sizes.map((bytes): Step => ({ kind: "reads", bytes })) },
		{ weight: 1, arbitrary: fc.constant<Step>({ kind: "readsUntil" }) },
		{ weight: 2, arbitrary: fc.constant<Step>({ kind: "turns" }) },
		{ weight: 3, arbitrary: fc.constant<Step>({ kind: "goesOver" }) },
	),
	{ minLength: 3, maxLength: 25 },
);

/** A connection of which it does not matter whose it is just now. */
class Wanderer {
	readonly received: Uint8Array[] = [];
	#owner: Stream | NetSocket;
	readonly #writes: Promise<unknown>[] = [];

	constructor(stream: Stream) {
		this.#owner = stream;
	}

	write(bytes: Uint8Array): void {
		if (this.#owner instanceof NetSocket) this.#owner.write(bytes);
		else this.#writes.push(this.#owner.write(bytes));
	}

	/** Takes what is there, up to so many bytes. */
	async read(most: number): Promise<void> {
		if (this.#owner instanceof NetSocket) {
			const chunk = this.#owner.read(Math.min(most, this.#owner.readableLength));
			if (chunk !== null) this.received.push(chunk);
			return;
		}
		const target = new Uint8Array(most);
		const count = await this.#owner.readInto(target, { timeoutMs: 0 }).catch(() => 0);
		this.received.push(target.subarray(0, count));
	}

	/** Reads ahead: what comes after the delimiter stays with the stream. */
	async readUntil(delimiter: Uint8Array): Promise<void> {
		if (this.#owner instanceof NetSocket) return;
		const found = this.#owner.readUntil(delimiter, { timeoutMs: 0, maxBytes: 1_000_000 });
		this.received.push((await found.catch(() => null)) ?? new Uint8Array());
	}

	async goOver(): Promise<void> {
		this.#owner =
			this.#owner instanceof NetSocket
				? await fromNetSocket(this.#owner)
				: await toNetSocket(this.#owner, { allowHalfOpen: true });
	}

	/** Ends writing, and reads up to the end. */
	async finish(): Promise<void> {
		if (this.#owner instanceof NetSocket) {
			const socket = this.#owner;
			socket.on("data", (chunk) => this.received.push(chunk)).end();
			await once(socket, "end");
			await closed(socket);
		} else {
			const ended = this.#owner.closeWrite();
			for await (const chunk of this.#owner) this.received.push(chunk);
			await ended;
			await this.#owner.close();
		}
		await Promise.all(this.#writes);
	}
}

for (const [name, makePair] of TRANSPORTS) {
	describe(`a connection over ${name} that goes from object to object`, () => {
		test("loses no byte and changes no order, in both directions, at any moment", async () => {
			const check = async (script: readonly Step[]): Promise<void> => {
				const [left, peer] = await makePair();
				const wanderer = new Wanderer(left);
				const toLeft = totalOf(script, "peerWrites");
				const toPeer = totalOf(script, "writes");
				const peerReceived: Uint8Array[] = [];
				const peerReads = (async () => {
					for await (const chunk of peer) peerReceived.push(chunk.slice());
				})();
				let sentToLeft = 0;
				let sentToPeer = 0;
				const peerWrites: Promise<void>[] = [];
				for (const step of script) {
					switch (step.kind) {
						case "peerWrites":
							peerWrites.push(peer.write(toLeft.subarray(sentToLeft, sentToLeft + step.bytes)));
							sentToLeft += step.bytes;
							break;
						case "writes":
							wanderer.write(toPeer.subarray(sentToPeer, sentToPeer + step.bytes));
							sentToPeer += step.bytes;
							break;
						case "reads":
							await wanderer.read(step.bytes);
							break;
						case "readsUntil":
							await wanderer.readUntil(Uint8Array.of(7));
							break;
						case "turns":
							await new Promise((resolve) => setImmediate(resolve));
							break;
						default:
							await wanderer.goOver();
					}
				}
				const peerEnds = peer.closeWrite();
				await wanderer.finish();
				await Promise.all([...peerWrites, peerEnds, peerReads]);
				await peer.close();
				assert.ok(Buffer.concat(wanderer.received).equals(toLeft), "what came in");
				assert.ok(Buffer.concat(peerReceived).equals(toPeer), "what went out");
			};
			await fc.assert(fc.asyncProperty(steps, check), { numRuns: 60 });
		});
	});
}

function totalOf(script: readonly Step[], kind: "peerWrites" | "writes"): Buffer {
	return bytesOf(script.reduce((sum, step) => sum + (step.kind === kind ? step.bytes : 0), 0));
}
