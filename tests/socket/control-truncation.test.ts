/**
 * Control buffers that are too small, of every size: what the kernel hands over then, and that nothing is lost of it. The cases are those of
 * CPython's SCMRightsTest (testCmsgTrunc*, testFDPass*), tried for every size instead of those that are likely to be wrong.
 */
import assert from "node:assert/strict";
import { closeSync, readdirSync } from "node:fs";
import { test } from "node:test";
import {
	type ControlMessage,
	controlSpaceBytes,
	rightsMessage,
	type Socket,
	socketpair,
} from "socketry/socket";
import { takeArrived } from "#src/socket/arrived-control.ts";
import { encodeControl } from "#src/socket/control.ts";
import { decodeMetadata } from "#src/socket/metadata.ts";
import { SCM_RIGHTS, SOL_SOCKET } from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";

const HEADER_BYTES = 16;
const TYPES = ["stream", "seqpacket", "dgram"] as const;

function openCount(): number {
	return readdirSync("/proc/self/fd").length;
}

function withPair(type: (typeof TYPES)[number], body: (left: Socket, right: Socket) => void): void {
	const [left, right] = socketpair(type);
	try {
		body(left, right);
	} finally {
		left.close();
		right.close();
	}
}

function send(left: Socket, control: readonly ControlMessage[]): void {
	assert.equal(left.trySendmsg([Buffer.from("x")], { control }), 1);
}

function receive(right: Socket, controlBytes: number): { fds: number[]; truncated: boolean } {
	const message = right.tryRecvmsg([new Uint8Array(8)], { controlBytes });
	assert.equal(message?.bytes, 1);
	const fds = message.control.flatMap(({ level, type, data }) => {
		assert.deepEqual([level, type], [SOL_SOCKET, SCM_RIGHTS]);
		return [...new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length))];
	});
	return { fds, truncated: message.controlTruncated };
}

for (const type of TYPES) {
	test(`a ${type} socket hands over as many descriptors as its control buffer has room for, of every size`, () => {
		withPair(type, (left, right) => {
			for (const sent of [1, 2, 3, 8]) {
				const whole = controlSpaceBytes(4 * sent);
				for (let room = 0; room <= whole + 8; room++) {
					const before = openCount();
					send(left, [rightsMessage(Array(sent).fill(0))]);
					const { fds, truncated } = receive(right, room);
					const fitting = Math.max(0, Math.floor((room - HEADER_BYTES) / 4));
					const expected = Math.min(sent, fitting);
					assert.equal(fds.length, expected, `${sent} into ${room} bytes`);
					assert.equal(truncated, expected < sent, `${sent} into ${room} bytes`);
					assert.equal(openCount(), before + expected);
					for (const fd of fds) closeSync(fd);
				}
			}
		});
	});

	test(`whatever a ${type} socket hands over is closed when some of it was cut off`, () => {
		withPair(type, (left, right) => {
			const control = new Uint8Array(64);
			for (let room = 0; room <= controlSpaceBytes(4 * 5); room++) {
				for (const allowed of [0, 5, 253]) {
					const before = openCount();
					send(left, [rightsMessage([0, 0, 0, 0, 0])]);
					const rc = sys.recvmsg(right.fd, [new Uint8Array(8)], null, control.subarray(0, room), 0);
					assert.equal(rc, 1);
					const [, length = 0, flags = 0] = sys.out;
					const wanted = { descriptorsCount: allowed, credentials: false, pidfd: false };
					const take = (): number =>
						takeArrived(control.subarray(0, length), flags, wanted).descriptors.map((it) =>
							it.close(),
						).length;
					const fitting = Math.max(0, Math.floor((room - HEADER_BYTES) / 4));
					if (allowed === 0) assert.equal(take(), 0);
					else if (fitting >= 5) assert.equal(take(), 5);
					else assert.throws(take, { code: "ERR_DESCRIPTORS_LOST", arrivedCount: fitting });
					assert.equal(openCount(), before);
				}
			}
		});
	});

	test(`a ${type} socket joins descriptors of several control messages, and leaves out parts of numbers`, () => {
		withPair(type, (left, right) => {
			const [one, two] = [rightsMessage([0]), rightsMessage([0, 1])];
			const partial = (bytes: number): ControlMessage => ({
				...two,
				data: two.data.subarray(0, bytes),
			});
			const cases: readonly (readonly [readonly ControlMessage[], number])[] = [
				[[one, one], 2],
				[[two, one, two], 5],
				[[rightsMessage([])], 0],
				[[partial(7)], 1],
				[[partial(3)], 0],
				[[partial(5), one], 2],
			];
			for (const [control, expected] of cases) {
				send(left, control);
				const { fds, truncated } = receive(right, 2_048);
				assert.equal(fds.length, expected);
				assert.equal(truncated, false);
				for (const fd of fds) closeSync(fd);
			}
		});
	});

	test(`a ${type} socket that peeks gets descriptors of its own each time`, () => {
		withPair(type, (left, right) => {
			const before = openCount();
			send(left, [rightsMessage([0, 0])]);
			const { fds: peeked } = peek(right);
			const { fds } = receive(right, 2_048);
			assert.equal(peeked.length, 2);
			assert.equal(new Set([...peeked, ...fds]).size, 4);
			for (const fd of [...peeked, ...fds]) closeSync(fd);
			assert.equal(openCount(), before);
		});
	});
}

function peek(right: Socket): { fds: number[] } {
	const MSG_PEEK = 2;
	const message = right.tryRecvmsg([new Uint8Array(8)], { flags: MSG_PEEK });
	const bytes = encodeControl(message?.control ?? []);
	return { fds: decodeMetadata(bytes).descriptors };
}

test("a number that is no open descriptor fails the whole message, and nothing of it arrives", () => {
	withPair("stream", (left, right) => {
		const control = [rightsMessage([0, 1_000_000])];
		assert.throws(() => left.trySendmsg([Buffer.from("x")], { control }), { code: "EBADF" });
		assert.equal(right.tryRecvmsg([new Uint8Array(1)]), undefined);
	});
});

test("descriptors without a byte are lost on a stream, which is why the library wants one", () => {
	withPair("stream", (left, right) => {
		assert.equal(left.trySendmsg([], { control: [rightsMessage([0])] }), 0);
		assert.equal(right.tryRecvmsg([new Uint8Array(1)]), undefined);
	});
});
