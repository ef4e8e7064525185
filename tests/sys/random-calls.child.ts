/**
 * Calls every function of the addon with random arguments of the right types, and looks whether memory beside the buffers has changed.
 * Arguments: how many calls, and the seed.
 */
import assert from "node:assert/strict";
import { sys } from "socketry/sys";

const count = Number(process.argv[2]);
let state = Number(process.argv[3]);

/** xorshift32. */
function random(below: number): number {
	state ^= state << 13;
	state ^= state >>> 17;
	state ^= state << 5;
	return (state >>> 0) % below;
}

function pick<T>(choices: readonly T[]): T {
	return choices[random(choices.length)] as T;
}

const GUARD = 0xa5;
const GUARD_BYTES = 1_024;
const arena = new Uint8Array(4_096);
const detached = new Uint8Array(16);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
/** Part of the arena; what lies around it is checked after each call. */
let window: Uint8Array = arena.subarray(0, 0);

function bytes(): Uint8Array {
	switch (random(8)) {
		case 0:
			return new Uint8Array(0);
		case 1:
			return detached;
		case 2:
			return new Uint8Array(new SharedArrayBuffer(pick([1, 16, 128])));
		default:
			return window;
	}
}

function integer(): number {
	const bits = random(32);
	return pick([
		random(8),
		random(256),
		-random(8),
		1 << bits,
		((1 << bits) - 1) | 0,
		random(65_536),
	]);
}

let fds: number[] = [];

function refill(): void {
	for (const fd of fds) sys.close(fd);
	fds = [];
	const kinds = [
		[1, 1],
		[1, 2],
		[1, 5],
		[2, 1],
		[2, 2],
		[10, 1],
		[10, 2],
	] as const;
	for (const [domain, type] of kinds) {
		const fd = sys.socket(domain, type | 0o4000, 0);
		if (fd >= 0) fds.push(fd);
		if (domain !== 1) continue;
		const pair = new Int32Array(2);
		sys.socketpair(domain, type | 0o4000, 0, pair);
		fds.push(...pair);
	}
}

function descriptor(): number {
	return random(20) === 0 ? pick([-1, 2 ** 31 - 1, 999_999]) : pick(fds);
}

function table(): Int32Array {
	const cells = new Int32Array(pick([0, 1, 2, 3, 9, 10, 20, 64, 200]));
	for (let i = 0; i < cells.length; i++) cells[i] = random(3) === 0 ? integer() : random(64);
	return cells;
}

function views(): Uint8Array[] {
	return Array.from({ length: pick([0, 1, 2, 63, 64, 65, 200]) }, bytes);
}

function flags(): number {
	return pick([0, 0, 0x2, 0x20, 0x40, 0x100, 0x2000, integer()]);
}

function nullable(): Uint8Array | null {
	return random(2) === 0 ? null : bytes();
}

function range(): [Uint8Array, number, number] {
	return [bytes(), pick([0, integer()]), pick([8, integer()])];
}

function batch(): Parameters<typeof sys.recvmmsg> {
	return [descriptor(), table(), random(2), random(4), bytes(), nullable(), nullable(), flags()];
}

const CALLS: readonly (() => number)[] = [
	() => sys.bind(descriptor(), bytes()),
	() => sys.connect(descriptor(), bytes()),
	// Not F_SETFL, which would make reading wait.
	() => sys.flock(descriptor(), pick([1, 2, 8, random(64)])),
	() => sys.fcntl(descriptor(), pick([1, 3, 5, 6, 15, 16, 1_032]), integer()),
	() => sys.getpeername(descriptor(), bytes()),
	() => sys.getsockname(descriptor(), bytes()),
	() => sys.getsockopt(descriptor(), pick([0, 1, 6, 17, 41, integer()]), random(80), bytes()),
	() => sys.setsockopt(descriptor(), pick([0, 1, 6, 17, 41, integer()]), random(80), bytes()),
	() => sys.listen(descriptor(), integer()),
	() => sys.poll(table(), 0),
	() => sys.read(descriptor(), ...range()),
	() => sys.write(descriptor(), ...range()),
	() => sys.recv(descriptor(), ...range(), flags()),
	() => sys.send(descriptor(), ...range(), flags()),
	() => sys.recvfrom(descriptor(), ...range(), flags(), nullable()),
	() => sys.sendto(descriptor(), ...range(), flags(), nullable()),
	() => sys.recvmsg(descriptor(), views(), nullable(), nullable(), flags()),
	() => sys.sendmsg(descriptor(), views(), nullable(), nullable(), flags()),
	() => sys.recvmmsg(...batch()),
	() => sys.sendmmsg(...batch()),
	() => sys.shutdown(descriptor(), random(4)),
	() => sys.engineArm(integer(), integer()),
	() => sys.engineUnwatch(integer()),
	() => sys.engineSpin(integer(), integer()),
	() => {
		const fd = sys.accept4(descriptor(), nullable(), 0o4000);
		return fd < 0 ? fd : sys.close(fd);
	},
	() => sys.socketpair(integer(), integer(), integer(), new Int32Array(random(2))),
];

let refused = 0;
let failed = 0;
let succeeded = 0;
for (let i = 0; i < count; i++) {
	if (i % 500 === 0) refill();
	const start = random(1_000) + 1;
	const end = start + pick([1, 2, 4, 8, 16, 110, 128, 1_000]);
	window = arena.subarray(start, end);
	arena[start - 1] = GUARD;
	arena.fill(GUARD, end, end + GUARD_BYTES);
	try {
		const rc = pick(CALLS)();
		assert.ok(Number.isInteger(rc));
		if (rc < 0) failed++;
		else succeeded++;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		assert.match(String(code), /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/);
		refused++;
	}
	assert.equal(arena[start - 1], GUARD, "memory before the buffer has changed");
	const behind = arena.subarray(end, end + GUARD_BYTES);
	assert.ok(
		behind.every((byte) => byte === GUARD),
		"memory behind the buffer has changed",
	);
}
for (const fd of fds) sys.close(fd);
console.log(`${count} calls: ${succeeded} succeeded, ${failed} failed, ${refused} refused`);
