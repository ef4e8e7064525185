/** Which errors each system call documents, and which of them nobody but the library may notice. */
import type { FaultyCall } from "socketry/testing";

/** The errors of one call. */
export interface FaultRow {
	readonly call: FaultyCall;
	/** What the library's errors may name in its place. */
	readonly syscalls: readonly string[];
	/** The conversation fails with this code, or goes on as if nothing had happened. */
	readonly errors: readonly string[];
	/** The conversation goes on as if nothing had happened. */
	readonly unnoticed: readonly string[];
}

/** By the man pages, ERRORS; EINTR is retried by the addon and cannot be seen here. */
export const FAULT_TABLE: readonly FaultRow[] = [
	row(
		"socket",
		"socket",
		"EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT",
	),
	row(
		"bind",
		"bind",
		"EACCES EADDRINUSE EADDRNOTAVAIL EBADF EINVAL ELOOP ENOENT ENOMEM ENOTDIR ENOTSOCK EROFS",
	),
	row("listen", "listen", "EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP"),
	row(
		"accept4",
		"accept",
		"EBADF EFAULT EINVAL ENOTSOCK EOPNOTSUPP",
		"EAGAIN ECONNABORTED EPERM EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN EHOSTUNREACH ENETUNREACH",
	),
	row(
		"connect",
		"connect",
		"EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EBADF ECONNREFUSED EAGAIN ENETUNREACH ENOENT ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT",
	),
	row("getsockname", "getsockname", "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK"),
	row("getpeername", "getpeername", "EBADF EFAULT EINVAL ENOBUFS ENOTCONN ENOTSOCK"),
	row("getsockopt", "getsockopt connect", "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK"),
	row("setsockopt", "setsockopt", "EBADF EDOM EFAULT EINVAL ENOMEM ENOPROTOOPT ENOTSOCK EPERM"),
	row(
		"recv",
		"recv",
		"EBADF ECONNREFUSED ECONNRESET EFAULT EHOSTUNREACH EINVAL ENOMEM ENOTCONN ENOTSOCK ETIMEDOUT",
		"EAGAIN",
	),
	row(
		"send",
		"send sendto",
		"EACCES EBADF ECONNRESET EDESTADDRREQ EFAULT EHOSTUNREACH EINVAL EISCONN EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPIPE ETIMEDOUT",
		"EAGAIN",
	),
	row(
		"sendmsg",
		"send sendmsg",
		"EBADF ECONNRESET EFAULT EINVAL EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK EPERM EPIPE ESRCH ETOOMANYREFS",
		"EAGAIN",
	),
	row(
		"recvmsg",
		"recv recvmsg",
		"EBADF ECONNREFUSED ECONNRESET EFAULT EINVAL EMFILE ENOMEM ENOTCONN ENOTSOCK ETIMEDOUT",
		"EAGAIN",
	),
	row("dup", "fcntl", "EBADF EINVAL EMFILE ENFILE"),
	row("fcntl", "fcntl", "EBADF EINVAL EMFILE ENFILE ENOMEM"),
	row(
		"recvfrom",
		"recvfrom",
		"EBADF ECONNREFUSED EFAULT EINVAL ENOMEM ENOTCONN ENOTSOCK ETIMEDOUT",
		"EAGAIN",
	),
	row(
		"recvmmsg",
		"recvmmsg",
		"EBADF ECONNREFUSED ECONNRESET EFAULT EINVAL ENOMEM ENOTCONN ENOTSOCK ETIMEDOUT",
		"EAGAIN",
	),
	row(
		"sendmmsg",
		"sendmmsg sendto",
		"EACCES EBADF ECONNREFUSED EFAULT EHOSTUNREACH EINVAL EMSGSIZE ENETUNREACH ENOMEM ENOTSOCK EPERM",
		"EAGAIN ENOBUFS",
	),
	row(
		"sendto",
		"sendto",
		"EACCES EBADF ECONNREFUSED EFAULT EHOSTUNREACH EINVAL EMSGSIZE ENETUNREACH ENOMEM ENOTSOCK EPERM",
		"EAGAIN ENOBUFS",
	),
	row("shutdown", "shutdown", "EBADF EINVAL ENOTSOCK"),
	row("close", "close", "", "EBADF EDQUOT EINTR EIO ENOSPC"),
	row("flock", "", "", "EAGAIN EBADF EINVAL ENOLCK"),
	row("engineWatch", "epoll_ctl", "EBADF EEXIST ENOMEM ENOSPC EPERM"),
	row("engineArm", "epoll_ctl", "EBADF ENOENT ENOMEM ENOSPC"),
	row("engineOwn", "adopt", "EBADF EEXIST ENOMEM"),
];

function row(call: FaultyCall, syscalls: string, errors: string, unnoticed = ""): FaultRow {
	return { call, syscalls: words(syscalls), errors: words(errors), unnoticed: words(unnoticed) };
}

function words(text: string): string[] {
	return text.split(" ").filter((word) => word !== "");
}
