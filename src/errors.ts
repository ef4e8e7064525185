/**
 * Every error class of the library. Match on `code`: codes never change and are never reused; the
 * classes are for `instanceof`. Each code has a section in docs/errors.md. `name` sits on the
 * prototypes, so that a logged error shows its data alone.
 */
import { errnoName, errnoText } from "./errno-name.ts";
import { errorHint } from "./error-hints.ts";
import { quote, showValue } from "./show-value.ts";

/** Any failure that is not a wrong call: `code` tells which, and stays the same for ever. */
export class SocketError extends Error {
	/** Stable identifier, such as `"ECONNREFUSED"` or `"ERR_CLOSED"`. */
	readonly code: string;

	constructor(message: string, code: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** What a failed system call was applied to; goes into the message and onto the error. */
export interface SyscallTarget {
	/** Numeric host, or the name of an abstract Unix address with a leading `@`. */
	readonly address?: string | undefined;
	/** Port 0..65535 (vsock: 0..4294967295). */
	readonly port?: number | undefined;
	/** Path of a socket file. */
	readonly path?: string | undefined;
	/** Kernel name of a socket option. */
	readonly option?: string | undefined;
}

/**
 * A system call failed; `code`, `errno`, `syscall`, `address`, `port` and `path` have the shape of
 * Node's own errors.
 */
export class SyscallError extends SocketError {
	/** Negative error number, as in Node: -111 for `ECONNREFUSED` on Linux. */
	readonly errno: number;
	/** Name of the call, such as `"connect"`. */
	readonly syscall: string;
	declare readonly address?: string;
	declare readonly port?: number;
	declare readonly path?: string;
	/** Kernel name of the option that a getsockopt or setsockopt was about. */
	declare readonly option?: string;

	constructor(
		message: string,
		code: string,
		errno: number,
		syscall: string,
		target: SyscallTarget = {},
	) {
		super(message, code);
		this.errno = errno;
		this.syscall = syscall;
		// Only what is known becomes a property: Node's errors have no `address: undefined` either.
		const { address, port, path, option } = target;
		Object.assign(
			this,
			address !== undefined && { address },
			port !== undefined && { port },
			path !== undefined && { path },
			option !== undefined && { option },
		);
	}
}

/** This side closed the object, before or during the call. */
export class ClosedError extends SocketError {
	declare readonly code: "ERR_CLOSED";

	/** @param what the thing that is closed, as the subject of the sentence: `"The stream"` */
	constructor(what = "The socket", options?: ErrorOptions) {
		super(`${what} is closed: open a new one to go on`, "ERR_CLOSED", options);
	}
}

/** A second operation was started in a direction that already has one pending. */
export class BusyError extends SocketError {
	declare readonly code: "ERR_BUSY";

	constructor(
		message = "Another operation is pending in this direction: await it before the next one",
	) {
		super(message, "ERR_BUSY");
	}
}

/** The peer ended inside something that needed more bytes. */
export class EndOfStreamError extends SocketError {
	declare readonly code: "ERR_END_OF_STREAM";
	/** Bytes that had arrived for this operation before the end. */
	readonly bytesRead: number;

	/** @param wanted second half of the sentence, as in `"a delimiter had come"` */
	constructor(bytesRead: number, wanted = "more bytes had come", options?: ErrorOptions) {
		super(
			`The peer ended the stream after ${bytesRead} bytes, before ${wanted}`,
			"ERR_END_OF_STREAM",
			options,
		);
		this.bytesRead = bytesRead;
	}
}

/**
 * Something would grow beyond a limit; `limit` names the limit, `actual` and `allowed` are in its
 * unit.
 */
export class LimitError extends SocketError {
	declare readonly code: "ERR_LIMIT";
	/** Name of the limit, which carries its unit: `"readUntilBytes"`. */
	readonly limit: string;
	readonly actual: number;
	readonly allowed: number;

	constructor(
		limit: string,
		actual: number,
		allowed: number,
		advice = `raise ${limit} or send less`,
	) {
		super(`${limit} is ${allowed}, but ${actual} is needed: ${advice}`, "ERR_LIMIT");
		this.limit = limit;
		this.actual = actual;
		this.allowed = allowed;
	}
}

/** Bytes that are no messages of the codec which reads them: where the next message begins is unknown. */
export class FramingError extends SocketError {
	declare readonly code: "ERR_FRAMING";

	/** @param reason what is wrong, and what to do about it if anything */
	constructor(reason: string, options?: ErrorOptions) {
		super(`The bytes are no message: ${reason}`, "ERR_FRAMING", options);
	}
}

/** A proxy did not make the connection. */
export class ProxyError extends SocketError {
	declare readonly code: "ERR_PROXY";
	/** What the proxy answered: a reply of RFC 1928 or a status of HTTP; 0 when it gave no proper answer. */
	readonly reply: number;

	constructor(
		protocol: "socks5" | "http",
		reply: number,
		reason: string,
		target?: { readonly host: string; readonly port: number },
	) {
		const to = target === undefined ? "" : ` to ${target.host}:${target.port}`;
		const why = [reply === 0 ? "" : String(reply), reason].filter(Boolean).join(" ");
		super(`The ${protocol} proxy made no connection${to}: ${why}`, "ERR_PROXY");
		this.reply = reply;
	}
}

/** A deadline passed. The object stays usable; `bytesMoved` says how far the operation came. */
export class TimeoutError extends SocketError {
	declare readonly code: "ERR_TIMEOUT";
	/** The time allowed, in milliseconds. */
	readonly timeoutMs: number;
	/** Bytes read or written by this operation before the deadline. */
	readonly bytesMoved: number;

	constructor(timeoutMs: number, bytesMoved = 0, what = "The operation") {
		super(`${what} took longer than ${timeoutMs} ms (${bytesMoved} bytes moved)`, "ERR_TIMEOUT");
		this.timeoutMs = timeoutMs;
		this.bytesMoved = bytesMoved;
	}
}

/** An AbortSignal ended the wait; `cause` is the signal's reason. The object stays usable. */
export class AbortError extends SocketError {
	declare readonly code: "ABORT_ERR";
	/** Bytes read or written by this operation before it was aborted. */
	readonly bytesMoved: number;

	constructor(reason?: unknown, bytesMoved = 0) {
		super("The operation was aborted", "ABORT_ERR", reason === undefined ? {} : { cause: reason });
		this.bytesMoved = bytesMoved;
	}
}

/** A message did not fit where it had to go, and was cut. */
export class TruncatedError extends SocketError {
	declare readonly code: "ERR_TRUNCATED";
	/** Size of the whole message in bytes, as far as the kernel tells it. */
	readonly actual: number;
	/** Size of the room for it in bytes. */
	readonly allowed: number;

	constructor(actual: number, allowed: number, what = "The message") {
		super(
			`${what} has ${actual} bytes, but there was room for ${allowed}: the rest is lost`,
			"ERR_TRUNCATED",
		);
		this.actual = actual;
		this.allowed = allowed;
	}
}

/** Descriptors came along, and not all of them could be taken: those that could are closed again. */
export class DescriptorsLostError extends SocketError {
	declare readonly code: "ERR_DESCRIPTORS_LOST";
	/** How many the kernel had handed over before it stopped. */
	readonly arrivedCount: number;

	constructor(arrivedCount: number) {
		super(
			`The kernel handed over only ${arrivedCount} of the descriptors that came along, and these are closed again: this process has no more free ones; close some, or raise its limit (ulimit -n)`,
			"ERR_DESCRIPTORS_LOST",
		);
		this.arrivedCount = arrivedCount;
	}
}

/** The socket file, or who listens behind it, is not of the user that the caller of `connect` asked for. */
export class PeerError extends SocketError {
	declare readonly code: "ERR_PEER_NOT_ALLOWED";
	/** Whose user it is: that of the socket file, or that of the process which listens. */
	readonly part: "file" | "listener";
	/** User ids asked for. */
	readonly expected: readonly number[];
	/** User id found. */
	readonly found: number;

	/** @param place path or name of the socket, as messages show it */
	constructor(
		part: "file" | "listener",
		place: string,
		expected: readonly number[],
		found: number,
	) {
		const [what, link] = part === "file" ? ["The file", "belongs to"] : ["Behind", "listens"];
		super(
			`${what} ${quote(place)} ${link} user ${found}, but user ${expected.join(" or ")} was expected: somebody else may have taken its place`,
			"ERR_PEER_NOT_ALLOWED",
		);
		this.part = part;
		this.expected = expected;
		this.found = found;
	}
}

/**
 * Why a hand-over did not come about: another successor is served, the other side is about to close, speaks no common version, hung
 * up without a word, ended in the middle, took too long, broke the protocol, or failed by itself.
 */
export type HandoverReason =
	| "busy"
	| "closing"
	| "version"
	| "refused"
	| "ended"
	| "timeout"
	| "protocol"
	| "failed";

/** A hand-over between two processes did not come about. The old process goes on as before, unless it is the one that ended. */
export class HandoverError extends SocketError {
	declare readonly code: "ERR_HANDOVER";
	readonly reason: HandoverReason;

	constructor(reason: HandoverReason, message: string, options?: ErrorOptions) {
		super(message, "ERR_HANDOVER", options);
		this.reason = reason;
	}
}

/** A directory in which others could replace the socket file that is to be made there. */
export class UnsafePathError extends SocketError {
	declare readonly code: "ERR_UNSAFE_PATH";
	/** The directory. */
	readonly path: string;

	/** @param why what is wrong, and what to do */
	constructor(path: string, why: string) {
		super(`${quote(path)} is no safe directory for a socket file: ${why}`, "ERR_UNSAFE_PATH");
		this.path = path;
	}
}

/** This platform, kernel or build lacks a feature; probe with `supports(feature)`. */
export class UnsupportedError extends SocketError {
	declare readonly code: "ERR_UNSUPPORTED";
	/** The feature, by the name that `supports` takes. */
	readonly feature: string;

	/** @param why what lacks it and what to do, as in `"it needs Linux 6.5, this is 5.15"` */
	constructor(feature: string, why: string, options?: ErrorOptions) {
		super(`${feature} is not available here: ${why}`, "ERR_UNSUPPORTED", options);
		this.feature = feature;
	}
}

/** A service manager passed nothing that suits, or passed it in a form that is none: `LISTEN_FDS`, `NOTIFY_SOCKET` and their companions. */
export class SystemdError extends SocketError {
	declare readonly code: "ERR_SYSTEMD";
	/** The environment variable that it is about. */
	readonly variable: string;

	/** @param why the whole message */
	constructor(variable: string, why: string, options?: ErrorOptions) {
		super(why, "ERR_SYSTEMD", options);
		this.variable = variable;
	}
}

/** An argument has the wrong type. */
export class InvalidTypeError extends TypeError {
	readonly code: "ERR_INVALID_ARG_TYPE" = "ERR_INVALID_ARG_TYPE";

	/** @param expected what is wanted, as in `"a string"` */
	constructor(name: string, expected: string, value: unknown) {
		super(`${quote(name)} must be ${expected}, but is ${showValue(value)}`);
	}
}

/** An argument has the right type, but a value that makes no sense. */
export class InvalidValueError extends TypeError {
	readonly code: "ERR_INVALID_ARG_VALUE" = "ERR_INVALID_ARG_VALUE";

	/** @param why the second half of the sentence, as in `"must not be empty"` */
	constructor(name: string, why: string, value: unknown) {
		super(`${quote(name)} ${why}, but is ${showValue(value)}`);
	}
}

/** A text or an object is no address; `input` is what was given. */
export class InvalidAddressError extends TypeError {
	readonly code: "ERR_INVALID_ADDRESS" = "ERR_INVALID_ADDRESS";
	readonly input: unknown;

	/** @param why what is wrong and which form is expected */
	constructor(input: unknown, why: string) {
		super(`${showValue(input)} is not a usable address: ${why}`);
		this.input = input;
	}
}

/** A number lies outside its range, or is no integer where one is needed. */
export class OutOfRangeError extends RangeError {
	readonly code: "ERR_OUT_OF_RANGE" = "ERR_OUT_OF_RANGE";

	/** @param range what is allowed, as in `"an integer from 0 to 65535"` */
	constructor(name: string, range: string, value: unknown) {
		super(`${quote(name)} must be ${range}, but is ${showValue(value)}`);
	}
}

/**
 * Makes the error for a system call that returned `rc`, with Node's properties and a hint at what
 * to do.
 *
 * @param rc negative error number
 * @see docs/errors.md
 */
export function syscallError(
	syscall: string,
	rc: number,
	target: SyscallTarget = {},
): SyscallError {
	const code = errnoName(rc);
	const text = errorHint(syscall, code, target) ?? errnoText(rc);
	const error = new SyscallError(
		`${syscall} ${code}${place(target)}: ${text}`,
		code,
		rc,
		syscall,
		target,
	);
	// The stack begins where the failed call was made, not in this factory.
	Error.captureStackTrace(error, syscallError);
	return error;
}

/**
 * Returns `rc` when it is not negative, and throws the `SyscallError` for it otherwise.
 *
 * @throws {SyscallError} `rc` is negative
 */
export function check(rc: number, syscall: string, target?: SyscallTarget): number {
	if (rc < 0) throw syscallError(syscall, rc, target);
	return rc;
}

function place({ address, port, path, option }: SyscallTarget): string {
	if (option !== undefined) return ` ${option}`;
	if (path !== undefined) return ` ${plainOrQuoted(path)}`;
	if (address === undefined) return "";
	const name = plainOrQuoted(address);
	if (port === undefined) return ` ${name}`;
	return address.includes(":") ? ` [${name}]:${port}` : ` ${name}:${port}`;
}

// Plain text is shown as Node shows it; what a terminal could misread is quoted.
function plainOrQuoted(text: string): string {
	const quoted = quote(text);
	return quoted === `"${text}"` ? text : quoted;
}

// A class field would be an own property and show up in every log line; the prototype keeps it out.
const CLASSES = {
	SocketError,
	SyscallError,
	ClosedError,
	BusyError,
	EndOfStreamError,
	FramingError,
	LimitError,
	TimeoutError,
	AbortError,
	TruncatedError,
	DescriptorsLostError,
	PeerError,
	ProxyError,
	HandoverError,
	UnsafePathError,
	UnsupportedError,
	SystemdError,
	InvalidTypeError,
	InvalidValueError,
	InvalidAddressError,
	OutOfRangeError,
};
for (const [name, type] of Object.entries(CLASSES)) {
	Object.defineProperty(type.prototype, "name", {
		value: name,
		writable: true,
		configurable: true,
	});
}
