/**
 * What the addon owes: one function per system call, and the readiness engine.
 *
 * Every call returns a number: `>= 0`, or `-errno`; no call throws for a failed system call. A wrong call (a missing argument, a range
 * outside its buffer, a number that is no integer of 32 bits) throws a TypeError or RangeError. Buffers are touched only during the call. Calls that transfer data never wait by
 * themselves: with `timeoutMs` they block this thread until done or until the time is up (`-EAGAIN`), -1 being for ever, and they try
 * `spinUs` microseconds long before they sleep. EINTR is retried inside, and a worker that is
 * terminated meanwhile ends within 50 ms.
 */

/** Columns of one row in a batch table (Int32Array); offsets and lengths are in bytes of the slab that their name tells. */
export const BATCH_DATA_OFFSET = 0;
export const BATCH_DATA_LENGTH = 1;
export const BATCH_NAME_OFFSET = 2;
export const BATCH_NAME_LENGTH = 3;
export const BATCH_CONTROL_OFFSET = 4;
export const BATCH_CONTROL_LENGTH = 5;
export const BATCH_OUT_BYTES = 6;
export const BATCH_OUT_NAME_LENGTH = 7;
export const BATCH_OUT_CONTROL_LENGTH = 8;
export const BATCH_OUT_FLAGS = 9;
export const BATCH_COLUMNS = 10;

/** Most messages in one sendmmsg or recvmmsg: UIO_MAXIOV, to which the kernel cuts as well; sendmmsg(2). */
export const BATCH_ROWS_MAX = 1024;

/** Most buffers in one sendmsg or recvmsg; the addon takes no more of a longer array. */
export const BUFFERS_MAX = 64;

/** Readiness bits; libuv's own (uv.h, enum uv_poll_event) and one for a pending socket error. */
export const READY_READ = 1;
export const READY_WRITE = 2;
export const READY_HANGUP = 4;
export const READY_ERROR = 8;

/** Cells of the engine's shared array: waiters that keep the process alive, whether it is held, whether a turn is under way; then the pairs. */
export const SHARED_WAITERS = 0;
export const SHARED_HELD = 1;
export const SHARED_IN_TURN = 2;
export const SHARED_PAIRS = 4;

/** The system calls, by their POSIX names. */
export interface Sys {
	/**
	 * Second results of the latest call, shared with the addon: `[name length, control length, message flags]`, each set by the calls whose
	 * line says so.
	 */
	readonly out: Int32Array;

	/** `accept4(fd, addr, len, flags)` -- takes a connection off the queue. Returns a descriptor; out[0] = name length. EAGAIN EBADF ECONNABORTED EINVAL EMFILE ENFILE ENOBUFS ENOMEM ENOTSOCK EOPNOTSUPP EPERM EPROTO. accept(2) */
	accept4(
		fd: number,
		name: Uint8Array | null,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `bind(fd, addr, len)` -- names a socket. EACCES EADDRINUSE EADDRNOTAVAIL EBADF EINVAL ELOOP ENOENT ENOTDIR ENOTSOCK EROFS. bind(2) */
	bind(fd: number, name: Uint8Array): number;
	/** `close(fd)` -- gives a descriptor back; it is gone whatever the answer, and EINTR reads as 0. EBADF EIO; EBUSY: this thread's engine watches it, or owns it and `owner` is not 1. close(2) */
	close(fd: number, owner?: number): number;
	/** `connect(fd, addr, len)` -- connects, or begins to: EINPROGRESS. EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY ECONNREFUSED EISCONN ENETUNREACH ENOENT EPROTOTYPE ETIMEDOUT. connect(2) */
	connect(fd: number, name: Uint8Array, timeoutMs?: number, spinUs?: number): number;
	/** `fcntl(fd, F_DUPFD_CLOEXEC, 0)` -- a second descriptor for the same open file. EBADF EMFILE. fcntl(2) */
	dup(fd: number): number;
	/** `fcntl(fd, op, arg)` -- with an integer argument. EBADF EINVAL, which also answers commands that take a pointer. fcntl(2) */
	fcntl(fd: number, command: number, argument?: number): number;
	/** `flock(fd, operation | LOCK_NB)` -- locks an open file against others who lock it, or lets it go. EAGAIN: another holds it. EBADF EINVAL ENOLCK. flock(2) */
	flock(fd: number, operation: number): number;
	/** `getpeername(fd, addr, len)` -- the other end's name. Returns its length, which can exceed the room. EBADF ENOTCONN ENOTSOCK. getpeername(2) */
	getpeername(fd: number, name: Uint8Array): number;
	/** `getsockname(fd, addr, len)` -- this end's name. Returns its length, which can exceed the room. EBADF ENOTSOCK. getsockname(2) */
	getsockname(fd: number, name: Uint8Array): number;
	/** `getsockopt(fd, level, name, value, len)` -- reads an option; not TCP_ZEROCOPY_RECEIVE, which takes addresses. Returns its length. EBADF EINVAL ENOPROTOOPT ENOTSOCK. getsockopt(2) */
	getsockopt(fd: number, level: number, name: number, value: Uint8Array): number;
	/** `listen(fd, backlog)` -- takes connections from now on. EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP. listen(2) */
	listen(fd: number, backlog: number): number;
	/** `memfd_create(name, flags)` -- makes memory with a descriptor; the name, of at most 249 bytes, is only shown. EINVAL EMFILE ENFILE ENOMEM. memfd_create(2) */
	memfd_create(name: Uint8Array, flags: number): number;
	/**
	 * `mmap(NULL, length, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0)` -- the file's bytes as memory, until the buffer is
	 * collected; what is not shared is copied on its first write. The file must not shrink meanwhile, or an access ends the process (SIGBUS): seal it.
	 * EACCES EAGAIN EBADF EINVAL ENFILE ENODEV ENOMEM EPERM; EOPNOTSUPP where V8 takes no foreign memory. mmap(2)
	 */
	mmap(fd: number, length: number, shared: number): ArrayBuffer | number;
	/** `pidfd_open(pid, flags)` -- a descriptor for a process. EINVAL EMFILE ENFILE ENODEV ENOMEM ESRCH. pidfd_open(2), Linux 5.3 */
	pidfd_open(pid: number, flags: number): number;
	/** `pidfd_send_signal(pidfd, sig, NULL, 0)` -- signals that process; 0 only asks whether it is there. EBADF EINVAL EPERM ESRCH. pidfd_send_signal(2), Linux 5.1 */
	pidfd_send_signal(fd: number, signal: number): number;
	/** `pipe2(pair, flags)` -- makes a pipe: pair[0] to read from, pair[1] to write to. EINVAL EMFILE ENFILE. pipe(2) */
	pipe2(pair: Int32Array, flags: number): number;
	/** `poll(fds, n, timeout)` -- waits for events; three int32 a descriptor: fd, events, revents; at most 64. Returns how many are ready. EINTR EINVAL. poll(2) */
	poll(table: Int32Array, timeoutMs: number): number;
	/** `read(fd, buf, n)` -- reads from any descriptor; whether it waits is the descriptor's O_NONBLOCK. EAGAIN EBADF ECONNRESET EIO EISDIR. read(2) */
	read(
		fd: number,
		buffer: Uint8Array,
		offset: number,
		length: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `recv(fd, buf, n, flags | MSG_DONTWAIT)` -- receives bytes or one message; 0 is the end of a stream. With MSG_CTRUNC among the flags, out[2] = flags: MSG_CTRUNC if control messages, such as descriptors, came along and were dropped. EAGAIN EBADF ECONNREFUSED ECONNRESET ENOTCONN ENOTSOCK ETIMEDOUT. recv(2) */
	recv(
		fd: number,
		buffer: Uint8Array,
		offset: number,
		length: number,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `recvfrom(fd, buf, n, flags, addr, len)` -- receives with the sender's name; out[0] = name length, and with MSG_CTRUNC among the flags out[2] as of recv. Errors as recv. recvfrom(2) */
	recvfrom(
		fd: number,
		buffer: Uint8Array,
		offset: number,
		length: number,
		flags: number,
		name: Uint8Array | null,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `recvmmsg(fd, msgs, n, flags, NULL)` -- receives up to `count` messages into the rows from `first` on. Returns how many. Errors as recv. recvmmsg(2) */
	recvmmsg(
		fd: number,
		table: Int32Array,
		first: number,
		count: number,
		data: Uint8Array,
		names: Uint8Array | null,
		control: Uint8Array | null,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC)` -- receives scattered bytes and control messages; out = [name length, control length, flags]. Errors as recv. recvmsg(2) */
	recvmsg(
		fd: number,
		buffers: readonly Uint8Array[],
		name: Uint8Array | null,
		control: Uint8Array | null,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `send(fd, buf, n, flags | MSG_DONTWAIT | MSG_NOSIGNAL)` -- sends bytes or one message. EAGAIN EBADF ECONNREFUSED ECONNRESET EDESTADDRREQ EMSGSIZE ENOBUFS ENOTCONN ENOTSOCK EPIPE. send(2) */
	send(
		fd: number,
		buffer: Uint8Array,
		offset: number,
		length: number,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `sendmmsg(fd, msgs, n, flags)` -- sends the `count` messages of the rows from `first` on. Returns how many went; an error only when none did. Errors as sendto. sendmmsg(2) */
	sendmmsg(
		fd: number,
		table: Int32Array,
		first: number,
		count: number,
		data: Uint8Array,
		names: Uint8Array | null,
		control: Uint8Array | null,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `sendmsg(fd, msg, flags)` -- sends gathered bytes and control messages. Errors as sendto, and EINVAL ETOOMANYREFS. sendmsg(2) */
	sendmsg(
		fd: number,
		buffers: readonly Uint8Array[],
		name: Uint8Array | null,
		control: Uint8Array | null,
		flags: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `sendto(fd, buf, n, flags, addr, len)` -- sends one message to a name. Errors as send, and EACCES EAFNOSUPPORT EHOSTUNREACH EINVAL EISCONN ENETUNREACH ENOENT. sendto(2) */
	sendto(
		fd: number,
		buffer: Uint8Array,
		offset: number,
		length: number,
		flags: number,
		name: Uint8Array | null,
		timeoutMs?: number,
		spinUs?: number,
	): number;
	/** `setsockopt(fd, level, name, value, len)` -- sets an option. EBADF EDOM EINVAL ENOPROTOOPT ENOTSOCK EPERM. setsockopt(2) */
	setsockopt(fd: number, level: number, name: number, value: Uint8Array): number;
	/** `shutdown(fd, how)` -- ends one direction or both. EBADF EINVAL ENOTCONN ENOTSOCK. shutdown(2) */
	shutdown(fd: number, how: number): number;
	/** `socket(domain, type, protocol)` -- makes a socket. EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS EPROTONOSUPPORT. socket(2) */
	socket(domain: number, type: number, protocol: number): number;
	/** `socketpair(domain, type, protocol, pair)` -- makes two connected sockets in pair[0] and pair[1]. EAFNOSUPPORT EMFILE ENFILE EOPNOTSUPP EPROTONOSUPPORT. socketpair(2) */
	socketpair(domain: number, type: number, protocol: number, pair: Int32Array): number;
	/** `splice(from, NULL, to, NULL, length, flags | SPLICE_F_NONBLOCK)` -- moves bytes, one of the two being a pipe. EAGAIN EBADF ECONNRESET EINVAL ENOMEM EPIPE; sends without MSG_NOSIGNAL, but Node ignores SIGPIPE. splice(2) */
	splice(from: number, to: number, length: number, flags: number): number;
	/** `write(fd, buf, n)` -- writes to any descriptor; whether it waits is the descriptor's O_NONBLOCK. EAGAIN EBADF EDQUOT EFBIG EIO ENOSPC EPIPE. write(2) */
	write(
		fd: number,
		buffer: Uint8Array,
		offset: number,
		length: number,
		timeoutMs?: number,
		spinUs?: number,
	): number;
}

/** The readiness engine of one thread: watches descriptors and calls `dispatch` once per turn of the event loop. */
export interface Engine {
	readonly out: Int32Array;
	/** Opens the engine, once per thread. Returns the shared array: the SHARED_* cells, then pairs of (descriptor, ready bits); `dispatch(count)` is told that the first `count` pairs are new. A second call throws. */
	engineStart(dispatch: (count: number) => void): Int32Array;
	/**
	 * Begins to watch; reports nothing until armed. EEXIST when this thread's loop watches that number already, EPERM for files that are
	 * always ready. `fresh` is 1 for a socket that this library has just made, so that nobody else can know its number.
	 */
	engineWatch(fd: number, fresh?: number): number;
	/** From now on exactly these ready bits are reported, as long as they hold (level-triggered); 0 reports none. */
	engineArm(fd: number, events: number): number;
	/** Ends a watch: nothing is reported any more, not even what is gathered. To be called before the descriptor is closed. */
	engineUnwatch(fd: number): number;
	/** Whether the process stays alive for the sake of waiters; written to SHARED_HELD. After each turn the engine settles it by SHARED_WAITERS. */
	engineHold(active: number): number;
	/** After each event of this watch the loop polls without sleeping for `us` microseconds. */
	engineSpin(fd: number, us: number): number;
	/**
	 * Has the descriptor closed with the thread, even when a worker is terminated; until `close(fd, 1)` or `engineDisown`. EEXIST when it is
	 * owned already. What a call of a worker has made goes with the worker in any case, as in Node (`trackUnmanagedFds`).
	 */
	engineOwn(fd: number): number;
	/** Takes that back. EBADF when it was not owned. */
	engineDisown(fd: number): number;
	/** out = [watches, libuv handles but polls, which are kept for other watches, owned descriptors] of this thread. */
	engineLedger(): number;
}
