import assert from "node:assert/strict";
import { closeSync, openSync, readSync } from "node:fs";
import { test } from "node:test";
import { rightsMessage, socket, socketpair } from "socketry/socket";
import { MSG_TRUNC, SCM_RIGHTS, SOL_SOCKET } from "socketry/sys";
import { PATIENCE_MS, PATIENT } from "../support/patience.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("sendmsg gathers buffers and recvmsg scatters them, in all three manners", async () => {
	const [left, right] = socketpair("seqpacket");
	const parts = [Buffer.from("ab"), Buffer.from("cde")];
	const into = (): Uint8Array[] => [new Uint8Array(1), new Uint8Array(16)];
	assert.equal(right.tryRecvmsg(into()), undefined);
	assert.equal(left.trySendmsg(parts), 5);
	const first = into();
	assert.equal(right.tryRecvmsg(first)?.bytes, 5);
	assert.deepEqual(
		first.map((part) => text(part).replaceAll("\0", "")),
		["a", "bcde"],
	);
	const pending = right.recvmsg(into());
	assert.equal(await left.sendmsg(parts), 5);
	assert.equal((await pending).bytes, 5);
	assert.equal(left.sendmsgSync(parts), 5);
	assert.equal(right.recvmsgSync(into(), PATIENT).bytes, 5);
	left.close();
	right.close();
});

test("recvmsg tells the sender, and that a message was cut", async () => {
	const receiver = socket("inet", "dgram");
	receiver.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	const sender = socket("inet", "dgram");
	sender.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	assert.equal(sender.trySendmsg([Buffer.from("hello")], { to: receiver.getsockname() }), 5);
	const got = await receiver.recvmsg([new Uint8Array(2)], {
		flags: MSG_TRUNC,
		timeoutMs: PATIENCE_MS,
	});
	assert.equal(got.bytes, 5);
	assert.equal(got.truncated, true);
	assert.deepEqual(got.from, sender.getsockname());
	receiver.close();
	sender.close();
});

test("a descriptor passes as a control message, close-on-exec and readable", async () => {
	const [left, right] = socketpair("stream");
	const file = openSync("/proc/self/comm", "r");
	await left.sendmsg([Buffer.from("x")], { control: [rightsMessage([file])] });
	closeSync(file);
	const { control, controlTruncated } = await right.recvmsg([new Uint8Array(1)]);
	assert.equal(controlTruncated, false);
	assert.deepEqual(
		control.map(({ level, type }) => [level, type]),
		[[SOL_SOCKET, SCM_RIGHTS]],
	);
	const [passed] = new Int32Array(new Uint8Array(control[0]?.data ?? []).buffer);
	assert.ok(passed !== undefined && passed >= 0);
	assert.ok(readSync(passed, Buffer.alloc(16)) > 0);
	closeSync(passed);
	left.close();
	right.close();
});

test("control messages without room are told as truncated, and their descriptors do not leak", () => {
	const [left, right] = socketpair("stream");
	left.trySendmsg([Buffer.from("x")], { control: [rightsMessage([left.fd])] });
	const got = right.tryRecvmsg([new Uint8Array(1)], { controlBytes: 0 });
	assert.equal(got?.controlTruncated, true);
	assert.deepEqual(got?.control, []);
	left.close();
	right.close();
});

test("more buffers than one call takes, and what is no buffer, are refused", () => {
	const [left, right] = socketpair("stream");
	const many = Array.from({ length: 65 }, () => new Uint8Array(1));
	assert.throws(() => left.trySendmsg(many), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => left.trySendmsg(["text" as unknown as Uint8Array]), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	assert.throws(() => right.tryRecvmsg([], { controlBytes: -1 }), { code: "ERR_OUT_OF_RANGE" });
	left.close();
	right.close();
});
