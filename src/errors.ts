/**
 * Every error class of the library. Match on `code`: codes never change and are never reused; the
 * classes are for `instanceof`. Each code has a section in docs/errors.md.
 */
import { quote } from "./show-value.ts";
import { nameClasses, SocketError } from "./socket-error.ts";

export {
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
} from "./argument-errors.ts";
export { SocketError } from "./socket-error.ts";
export type { SyscallTarget } from "./syscall-error.ts";
export { check, SyscallError, syscallError } from "./syscall-error.ts";

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
	/** How much it would have been, as far as that is known. */
	readonly actual: number;
	/** How much there may be. */
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
 * What went wrong in TLS: the peer's certificate is not trusted or not valid now (`"certificate"`), or is for another name (`"name"`); no common
 * application protocol (`"alpn"`); bytes that came before the handshake, and that somebody may have slipped in (`"plaintext"`); the peer hung up
 * during the handshake (`"ended"`), or the handshake failed in another way (`"handshake"`); afterwards, the connection was cut off without the
 * end that TLS marks (`"truncated"`), or the peer sent an alert or broke the protocol (`"protocol"`).
 */
export type TlsReason =
	| "alpn"
	| "certificate"
	| "ended"
	| "handshake"
	| "name"
	| "plaintext"
	| "protocol"
	| "truncated";

/** TLS did not come about, or broke; `cause` has the error of Node or OpenSSL. */
export class TlsError extends SocketError {
	declare readonly code: "ERR_TLS";
	readonly reason: TlsReason;
	/** Code of `cause`, such as `"CERT_HAS_EXPIRED"`, where there is one. */
	readonly detail: string | undefined;

	/** @param message the whole sentence */
	constructor(reason: TlsReason, message: string, cause?: Error) {
		super(message, "ERR_TLS", cause === undefined ? {} : { cause });
		this.reason = reason;
		this.detail = (cause as NodeJS.ErrnoException | undefined)?.code;
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

nameClasses({
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
	TlsError,
});
