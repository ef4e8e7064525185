import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor, type Waiter } from "#src/socket/descriptor.ts";
import { sys } from "#src/sys/current.ts";
import { EAGAIN } from "#src/sys/errno.ts";

const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK = 0o4001;
const MSG_PEEK = 2;
const byte = new Uint8Array(1);

/** One end of a pair that waits to be readable, and knows whether it may be. */
class Probe implements Waiter {
	readonly descriptor: Descriptor;
	readonly #peer: Descriptor;
	hasData = false;
	told = false;
	onReady: ((probe: Probe) => void) | undefined;

	constructor() {
		const pair = new Int32Array(2);
		assert.equal(sys.socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK, 0, pair), 0);
		this.descriptor = new Descriptor(pair[0] as number, true);
		this.#peer = new Descriptor(pair[1] as number, true);
		opened += 2;
	}

	arm(): this {
		this.descriptor.awaitReadable(this);
		return this;
	}

	feed(): this {
		this.hasData = true;
		sys.send(this.#peer.fd, byte, 0, 1, 0);
		return this;
	}

	close(): void {
		this.descriptor.close();
		this.#peer.close();
	}

	ready(): void {
		const rc = sys.recv(this.descriptor.fd, byte, 0, 1, MSG_PEEK);
		if (!this.hasData || rc === EAGAIN) misdirected++;
		this.told = true;
		this.onReady?.(this);
	}

	closed(): void {}
}

let opened = 0;
let misdirected = 0;
let state = 12_345;

function random(below: number): number {
	state = (state * 48_271) % 2_147_483_647;
	return state % below;
}

async function turns(count: number): Promise<void> {
	for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * All of a crowd become readable in one turn; the first that is told closes all others, whose events are gathered already, and opens as
 * many anew, which take over the numbers and have nothing to read.
 */
async function replaceWithinTurn(size: number): Promise<void> {
	const crowd = Array.from({ length: size }, () => new Probe().arm());
	const successors: Probe[] = [];
	let tellers = 0;
	for (const probe of crowd) {
		probe.feed();
		probe.onReady = () => {
			if (tellers++ > 0) return;
			for (const other of crowd) other.close();
			for (let i = 0; i < size; i++) successors.push(new Probe().arm());
		};
	}
	while (tellers === 0) await turns(1);
	await turns(2);
	assert.equal(tellers, 1, "somebody was told after it was closed");
	assert.ok(successors.every(({ told }) => !told));
	for (const probe of successors) probe.feed();
	for (let i = 0; i < 100 && !successors.every(({ told }) => told); i++) await turns(1);
	assert.ok(
		successors.every(({ told }) => told),
		"an event got lost",
	);
	for (const probe of successors) probe.close();
}

/** Opens, arms, feeds and closes at random, some of it from within events. */
async function shuffle(size: number, steps: number): Promise<void> {
	const probes: Probe[] = [];
	const step = (): void => {
		const probe = probes[random(probes.length || 1)];
		if (probe === undefined || (probes.length < size && random(2) === 0)) {
			const fresh = new Probe();
			if (random(4) > 0) fresh.arm();
			if (random(3) === 0) fresh.feed();
			fresh.onReady = () => {
				for (let i = random(4); i > 0; i--) step();
			};
			probes.push(fresh);
		} else if (random(3) === 0) {
			probe.feed();
		} else {
			probe.close();
			probes.splice(probes.indexOf(probe), 1);
		}
	};
	for (let i = 0; i < steps; i++) {
		for (let j = random(40); j > 0; j--) step();
		if (random(4) > 0) await turns(1);
	}
	for (const probe of probes) probe.close();
	await turns(1);
}

test("no event reaches the next owner of a number", async () => {
	for (let round = 0; round < 200; round++) await replaceWithinTurn(1 + random(100));
	// More than one gathering holds, so that events are told while libuv still hands them over.
	for (let round = 0; round < 4; round++) await replaceWithinTurn(1_500);
	while (opened < 200_000) await shuffle(300, 500);
	assert.equal(misdirected, 0, `of ${opened} descriptors`);
});
