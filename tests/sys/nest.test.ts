/** Where sockets are watched: in the engine's own epoll descriptor at first, by libuv once they are busy. */
import assert from "node:assert/strict";
import { closeSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { type Stream, socketpair } from "socketry";
import { assertNoLeaks, openResources } from "socketry/testing";

const before = openResources();
after(() => assertNoLeaks(before));

// More than the engine asks the nest for at once.
const MANY = 300;
// More events than a socket stays in the nest for.
const BUSY_EVENTS = 8;

function pairs(count: number): [Stream, Stream][] {
	return Array.from({ length: count }, () => socketpair());
}

function closeAll(streams: Iterable<readonly Stream[]>): void {
	for (const each of streams) for (const stream of each) stream.abort();
}

/** The descriptors that an epoll descriptor of this process knows; proc(5), fdinfo. */
function watchedBy(epoll: number): number[] {
	const info = readFileSync(`/proc/self/fdinfo/${epoll}`, "latin1");
	return [...info.matchAll(/^tfd:\s+(\d+)/gm)].map(([, fd]) => Number(fd));
}

/** Where a socket is watched: by libuv, which also watches the nest. */
function placeOf({ socket: { fd } }: Stream): "libuv" | "nest" | undefined {
	const epolls = [...openResources().descriptors]
		.filter(([, kind]) => kind === "anon_inode:[eventpoll]")
		.map(([epoll]) => epoll);
	const nests = new Set(epolls.flatMap(watchedBy).filter((each) => epolls.includes(each)));
	const place = epolls.find((each) => watchedBy(each).includes(fd));
	if (place === undefined) return undefined;
	return nests.has(place) ? "nest" : "libuv";
}

async function talk(left: Stream, right: Stream): Promise<void> {
	const arrived = right.read();
	await left.write("x");
	assert.equal(String(await arrived), "x");
}

test("a socket is watched by the nest until it is busy, and by nobody before it waits", async () => {
	const [left, right] = socketpair();
	assert.equal(placeOf(right), undefined);
	await talk(left, right);
	assert.equal(placeOf(right), "nest");
	for (let i = 0; i < BUSY_EVENTS; i++) await talk(left, right);
	const pending = assert.rejects(right.read(), { code: "ERR_CLOSED" });
	// libuv tells the kernel at the end of a turn.
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(placeOf(right), "libuv");
	closeAll([[left, right]]);
	await pending;
});

test("what is ready at once is told to all, however many they are", async () => {
	const streams = pairs(MANY);
	for (let round = 0; round < BUSY_EVENTS; round++) {
		await Promise.all(streams.map(([left, right]) => talk(left, right)));
	}
	const ends = streams.map(([, right]) => right.read());
	await Promise.all(streams.map(([left]) => left.closeWrite()));
	assert.deepEqual(new Set(await Promise.all(ends)), new Set([null]));
	closeAll(streams);
});

test("a number that is used again is watched again, in the nest and by libuv", async () => {
	for (let round = 0; round < 3; round++) {
		const [left, right] = socketpair();
		for (let i = 0; i <= round * BUSY_EVENTS; i++) await talk(left, right);
		closeAll([[left, right]]);
	}
});

test("a watch that leaves the nest goes on waiting for what it waited for", async () => {
	const [left, right] = socketpair();
	const full = Buffer.alloc(65_536);
	let written = 0;
	while (left.queuedBytes === 0) {
		void left.write(full);
		written += full.length;
	}
	const drained = left.flush();
	for (let i = 0; i < BUSY_EVENTS; i++) await talk(right, left);
	assert.equal((await right.readExactly(written)).length, written);
	await drained;
	closeAll([[left, right]]);
});

test("a number that was closed behind the back of its socket is watched again for the next one", async () => {
	const [left, right] = socketpair();
	const pending = assert.rejects(right.read(), { code: "ERR_CLOSED" });
	const { fd } = right.socket;
	closeSync(fd);
	right.abort();
	await pending;
	const next = socketpair();
	assert.ok(next.some(({ socket }) => socket.fd === fd));
	await talk(next[0], next[1]);
	await talk(next[1], next[0]);
	closeAll([next, [left]]);
});
