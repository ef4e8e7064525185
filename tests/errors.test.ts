import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { errnoName } from "#src/errno-name.ts";
import * as errors from "#src/errors.ts";

type AnyErrorClass = abstract new (...args: never[]) => Error;

const SAMPLES: readonly [Error, string, string, AnyErrorClass][] = [
	[new errors.SocketError("x", "ERR_X"), "SocketError", "ERR_X", Error],
	[errors.syscallError("connect", -111), "SyscallError", "ECONNREFUSED", errors.SocketError],
	[new errors.ClosedError(), "ClosedError", "ERR_CLOSED", errors.SocketError],
	[new errors.BusyError(), "BusyError", "ERR_BUSY", errors.SocketError],
	[new errors.ProxyError("http", 403, "x"), "ProxyError", "ERR_PROXY", errors.SocketError],
	[new errors.FramingError("x"), "FramingError", "ERR_FRAMING", errors.SocketError],
	[new errors.EndOfStreamError(3), "EndOfStreamError", "ERR_END_OF_STREAM", errors.SocketError],
	[new errors.LimitError("xBytes", 2, 1), "LimitError", "ERR_LIMIT", errors.SocketError],
	[new errors.TimeoutError(5), "TimeoutError", "ERR_TIMEOUT", errors.SocketError],
	[new errors.AbortError(), "AbortError", "ABORT_ERR", errors.SocketError],
	[new errors.TruncatedError(2, 1), "TruncatedError", "ERR_TRUNCATED", errors.SocketError],
	[
		new errors.UnsupportedError("x", "y"),
		"UnsupportedError",
		"ERR_UNSUPPORTED",
		errors.SocketError,
	],
	[new errors.InvalidTypeError("x", "y", 1), "InvalidTypeError", "ERR_INVALID_ARG_TYPE", TypeError],
	[
		new errors.InvalidValueError("x", "y", 1),
		"InvalidValueError",
		"ERR_INVALID_ARG_VALUE",
		TypeError,
	],
	[
		new errors.InvalidAddressError("x", "y"),
		"InvalidAddressError",
		"ERR_INVALID_ADDRESS",
		TypeError,
	],
	[new errors.OutOfRangeError("x", "y", 1), "OutOfRangeError", "ERR_OUT_OF_RANGE", RangeError],
];

test("every class has its name, its code and its parent", () => {
	for (const [error, name, code, parent] of SAMPLES) {
		assert.equal(error.name, name);
		assert.equal((error as { code?: string }).code, code);
		assert.ok(error instanceof parent, name);
		assert.match(String(error.stack), new RegExp(`^${name}: `));
	}
});

test("names are no own properties, and every own property says something", () => {
	for (const [error] of SAMPLES) {
		assert.ok(!Object.hasOwn(error, "name"));
		assert.ok(!Object.values(error).includes(undefined), inspect(error));
	}
	assert.deepEqual(Object.keys(new errors.ClosedError()), ["code"]);
});

test("messages have no contraction, no full stop at the end and one line", () => {
	for (const [{ message }] of SAMPLES) assert.doesNotMatch(message, /n't|'s been|\.$|\n/);
});

test("a SyscallError has the properties of Node's own error for the same failure", async () => {
	const nodes = await new Promise<NodeJS.ErrnoException>((resolve) => {
		connect({ host: "127.0.0.1", port: 1 }).once("error", resolve);
	});
	const ours = errors.syscallError("connect", Number(nodes.errno), {
		address: "127.0.0.1",
		port: 1,
	});
	assert.deepEqual({ ...ours }, { ...nodes });
	assert.ok(ours.message.startsWith(`${nodes.message}: `), ours.message);
});

test("the message of a SyscallError says where and what to do", () => {
	const cases: [string, number, errors.SyscallTarget, string][] = [
		[
			"connect",
			-111,
			{ address: "::1", port: 9 },
			"connect ECONNREFUSED [::1]:9: nobody listens there",
		],
		[
			"connect",
			-111,
			{ path: "/run/a.sock" },
			"connect ECONNREFUSED /run/a.sock: no process listens on it",
		],
		[
			"connect",
			-111,
			{ address: "@a" },
			"connect ECONNREFUSED @a: nobody listens on this abstract name",
		],
		["bind", -98, { path: "/a\nb" }, 'bind EADDRINUSE "/a\\nb": the file exists'],
		[
			"bind",
			-98,
			{ path: "/a" },
			"bind EADDRINUSE /a: the file exists: a server has it, a dead one left it, or it is no socket; onStale:",
		],
		[
			"bind",
			-13,
			{ address: "0.0.0.0", port: 80 },
			"bind EACCES 0.0.0.0:80: ports below 1024 need",
		],
		["read", -5, {}, "read EIO: i/o error"],
		["read", -9999, {}, "read UNKNOWN: error number 9999"],
	];
	for (const [syscall, rc, target, start] of cases) {
		const { message } = errors.syscallError(syscall, rc, target);
		assert.ok(message.startsWith(start), message);
	}
});

test("the stack of a SyscallError begins with its caller", () => {
	function caller(): Error {
		return errors.syscallError("connect", -111);
	}
	assert.match(String(caller().stack?.split("\n")[1]), /caller/);
});

test("check() returns what is not negative and throws the rest", () => {
	assert.equal(errors.check(0, "read"), 0);
	assert.equal(errors.check(7, "read"), 7);
	assert.throws(() => errors.check(-32, "write"), { code: "EPIPE", errno: -32, syscall: "write" });
});

test("an AbortError keeps the reason of the signal as its cause", () => {
	const reason = new Error("enough");
	assert.equal(new errors.AbortError(reason, 4).cause, reason);
	assert.equal(new errors.AbortError(reason, 4).bytesMoved, 4);
});

test("names of error numbers include those that Node leaves out", {
	skip: process.platform !== "linux",
}, () => {
	assert.equal(errnoName(-115), "EINPROGRESS");
	assert.equal(errnoName(-109), "ETOOMANYREFS");
	assert.equal(errnoName(-11), "EAGAIN");
	assert.equal(errnoName(-4000), "UNKNOWN");
	assert.equal(errnoName(0), "UNKNOWN");
});

test("values in messages are short, on one line and cannot repaint a terminal", () => {
	const messageOf = (value: unknown): string =>
		new errors.InvalidValueError("x", "is wrong", value).message;
	assert.equal(
		messageOf("a\n\u001b[2J\u009b\u202e"),
		'"x" is wrong, but is "a\\n\\u001b[2J\\u009b\\u202e"',
	);
	assert.match(messageOf("y".repeat(1e6)), /^.{0,200}\.\.\." \(1000000 characters\)$/);
	assert.equal(messageOf({ a: 1, b: "c", d: {} }), '"x" is wrong, but is { a: 1, b: "c", d: ... }');
	assert.equal(messageOf(new Uint8Array(3)), '"x" is wrong, but is a view of 3 bytes');
	const trap = Object.defineProperty({}, "x", {
		enumerable: true,
		get: () => assert.fail("called"),
	});
	assert.equal(messageOf(trap), '"x" is wrong, but is an object');
	for (const value of [null, undefined, true, 1n, -0, Symbol("s"), () => 1, [1, 2], new Date()]) {
		assert.doesNotThrow(() => messageOf(value));
	}
});
