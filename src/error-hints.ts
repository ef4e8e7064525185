/**
 * What to do about a failed system call: the part of the message after the colon. Keys are
 * `"syscall CODE kind"`, `"syscall CODE"` or `"CODE"`, and the most precise one wins. Texts are not
 * promised, codes are.
 */

const HINTS: Readonly<Record<string, string>> = {
	"accept EINVAL": "the socket does not listen; call listen() first",
	"accept4 EINVAL": "the socket does not listen; call listen() first",
	"adopt EEXIST":
		"another object of this thread owns the descriptor; pass or give that object instead of its number",
	"bind EACCES":
		"ports below 1024 need privileges; take a higher port, or grant CAP_NET_BIND_SERVICE",
	"bind EACCES path": "no permission to create the socket file; check the mode of its directory",
	"bind EADDRINUSE": "another socket holds this address; stop it, take another port, or use port 0",
	"bind EADDRINUSE path":
		'the file exists: a server has it, a dead one left it, or it is no socket; onStale: "replace-dead" replaces what a dead one left, as the commands do',
	"bind ENAMETOOLONG path":
		"from the root on, the path or that of the lock beside it exceeds 4095 bytes; take a shorter one",
	"bind EADDRINUSE abstract":
		"another socket holds this abstract name; stop it or take another name",
	"bind EADDRNOTAVAIL": "no interface of this machine has this address; use a local one, or *",
	"bind EINVAL": "the socket is bound already, or the address has another family than the socket",
	"bind ENODEV": "no interface has this name or index; a link-local address needs a valid zone",
	"bind ENOENT path": "the directory of the socket file does not exist; create it first",
	"bind ENOTDIR path": "a part of the path is not a directory",
	"bind EROFS path":
		"the file system is read-only; put the socket file elsewhere, such as /run or /tmp",
	"chown EINVAL path": "this user namespace does not have the user or the group",
	"chown EPERM path":
		"only root can give the socket file to another user, and others only to groups that they are in",
	"connect EACCES":
		"a broadcast address needs SO_BROADCAST; otherwise a firewall rule or policy forbids it",
	"connect EACCES path":
		"no permission to write to the socket file; check its mode and its directories",
	"connect EADDRNOTAVAIL":
		"no free local port is left for this peer, or the local address is not ours",
	"connect EAGAIN path":
		"the server's queue of waiting connections is full; try again a little later",
	"connect EAGAIN abstract":
		"the server's queue of waiting connections is full; try again a little later",
	"connect ECONNREFUSED": "nobody listens there; start the server, or check host and port",
	"connect ECONNREFUSED path":
		"no process listens on it; start the server, or check that the file is a socket",
	"connect ECONNREFUSED abstract": "nobody listens on this abstract name; start the server",
	"connect EINVAL":
		"the address does not suit this socket, or an earlier attempt failed; use a new socket",
	"connect ELOOP path":
		"a symbolic link, which the option owner does not follow; give the path of the socket itself",
	"connect ENOENT path": "no socket file is there; start the server, or check the path",
	"connect ENODEV": "the vsock device or the interface does not exist on this machine",
	"connect EPROTOTYPE path":
		"the server's socket has another type; try unix:, unix-dgram: or unix-seqpacket:",
	"connect EPROTOTYPE abstract":
		"the server's socket has another type; try unix:, unix-dgram: or unix-seqpacket:",
	"connect ETIMEDOUT": "no answer; the host is down, or a firewall drops the packets",
	"getsockopt ESRCH": "the process at the other end has ended",
	"getsockopt ENOPROTOOPT": "this kernel or kind of socket does not have the option",
	"listen EADDRINUSE": "another socket listens on this port; stop it, or take another port",
	"pidfd_open ESRCH": "the process has ended, or its number is another user's by now",
	"mkdir EACCES path": "no permission to create the directory; check the one above it",
	"mkdir ENOENT path": "the directory above it does not exist; only the last one is made",
	"recv EAGAIN": "no data yet; wait until the socket is readable",
	"send EMSGSIZE": "the message is larger than the socket can send in one piece; send less",
	"sendmsg EINVAL": "the control messages or the address do not suit this kind of socket",
	"sendmsg EPERM":
		"credentials that are not one's own need privileges, or a firewall rule forbids it",
	"sendmsg ESRCH": "no process has the pid of the credentials",
	"sendmsg ETOOMANYREFS":
		"too many descriptors are in flight; wait until the peer has received some",
	"sendto EISCONN": "the socket is connected; send without an address",
	"setsockopt ENOPROTOOPT": "this kernel or kind of socket does not have the option",
	"setsockopt EDOM": "the value is out of the range of the option",
	"setsockopt EINVAL":
		"the kernel refuses the value, or the option must be set before bind or connect",
	"setsockopt ENOENT": "no congestion control or protocol module of this name is available",
	"setsockopt ENODEV": "no interface has this name or index",
	"setsockopt EPERM": "the option needs privileges: CAP_NET_ADMIN or CAP_NET_RAW",
	"socket EACCES": "no permission to create this kind of socket",
	"socket EAFNOSUPPORT": "this kernel lacks the address family",
	"socket EPERM": "no permission to create this kind of socket",
	"socket EPROTONOSUPPORT": "this kernel lacks the protocol, or it does not suit the socket type",
	"socket ESOCKTNOSUPPORT": "the address family has no sockets of this type",

	EACCES: "permission denied",
	EADDRINUSE: "the address is in use; stop its holder or take another",
	EADDRNOTAVAIL: "no interface of this machine has this address",
	EAFNOSUPPORT: "the address has another family than the socket",
	EALREADY: "an earlier connect is still under way; wait until it ends",
	EBADF: "the descriptor is not open; it was closed or handed over",
	ECONNABORTED: "the connection ended before it was taken up",
	ECONNREFUSED: "the peer refused: nobody listens there",
	ECONNRESET: "the peer reset the connection; bytes on the way are lost",
	EDESTADDRREQ: "the socket has no peer; give an address or connect first",
	EHOSTDOWN: "the host does not answer in its own network",
	EHOSTUNREACH: "no route to this host, or it does not answer in its own network",
	EINPROGRESS: "the connection is under way; wait until the socket is writable",
	EINTR: "a signal interrupted the call; call again",
	EISCONN: "the socket is connected already",
	EMFILE: "this process has no free descriptor; close some, or raise its limit (ulimit -n)",
	EMSGSIZE: "the message is larger than this kind of socket can carry in one piece; send less",
	ENETDOWN: "the network interface is down",
	ENETUNREACH: "no route to this network",
	ENFILE: "the whole system has no free descriptor; close some, or raise fs.file-max",
	ENOBUFS: "the kernel has no buffer for it; send more slowly, or raise the buffer sizes",
	ENOMEM: "the kernel has no memory for it",
	ENOPROTOOPT: "this kernel or kind of socket does not have the option",
	ENOTCONN: "the socket is not connected; connect first",
	ENOTSOCK: "the descriptor is open, but is no socket",
	ENOTSUP: "this kind of socket does not have this operation",
	EPERM: "not permitted; it needs privileges, or a firewall rule forbids it",
	EPIPE: "this side ended writing, or the peer closed; nobody will read it",
	EPROTOTYPE: "the peer's socket has another type",
	ETIMEDOUT: "the peer no longer answers",
};

/** Finds the hint for a failed call; undefined when there is none better than the system's text. */
export function errorHint(
	syscall: string,
	code: string,
	target: { readonly path?: string | undefined; readonly address?: string | undefined },
): string | undefined {
	const precise = HINTS[`${syscall} ${code} ${kindOf(target)}`];
	return precise ?? HINTS[`${syscall} ${code}`] ?? HINTS[code];
}

function kindOf(target: {
	readonly path?: string | undefined;
	readonly address?: string | undefined;
}): string {
	if (target.path !== undefined) return "path";
	// Abstract names are shown as unix(7) tools show them: with a leading @.
	return target.address?.startsWith("@") ? "abstract" : "host";
}
