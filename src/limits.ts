/**
 * Every default limit and timeout of the library: the unit is in the name, the reason in the
 * comment.
 */

export const LIMITS = {
	/**
	 * Room for one read of a stream. 64 KiB empties a usual receive queue in one call, and larger
	 * reads gain nothing measurable.
	 */
	readChunkBytes: 65_536,

	/**
	 * Queued bytes from which a stream's `write()` asks its caller to wait: one full socket buffer
	 * ahead of the kernel.
	 */
	writeHighWaterBytes: 65_536,

	/**
	 * Queued bytes beyond which a stream takes no more, and a socket of messages lets no more wait. Nobody who awaits writes comes near; it
	 * stops a program that does not from filling its memory for a peer that does not read.
	 */
	writeQueueBytes: 67_108_864,

	/** Messages that may wait to be sent on one socket, however short: each costs some 300 bytes besides its own. */
	sendQueueCount: 262_144,

	/**
	 * Largest write that is copied rather than borrowed; above it, copying costs more than a vector
	 * entry.
	 */
	writeCopyBytes: 8_192,

	/**
	 * Room for one message of a seqpacket or Unix datagram socket. The kernel's default send buffer
	 * (212,992 bytes) bounds a message, so that this holds any message of a peer which did not raise
	 * SO_SNDBUF.
	 */
	messageBytes: 262_144,

	/** Bytes of datagrams that wait for the kernel before `send()` waits too, or drops: about one full socket buffer. */
	datagramQueueBytes: 262_144,

	/** Largest UDP payload over IPv4: 65,535 - 20 (IP header) - 8 (UDP header). */
	udpPayloadBytesIpv4: 65_507,

	/**
	 * Largest UDP payload over IPv6 without jumbograms: 65,535 - 8 (UDP header); the IP header does
	 * not count.
	 */
	udpPayloadBytesIpv6: 65_527,

	/**
	 * Connections that may wait for accept; Node's own figure. The kernel cuts it to
	 * net.core.somaxconn.
	 */
	backlogCount: 511,

	/**
	 * Bytes that `readUntil` gathers in search of its delimiter, so that a peer cannot make us store
	 * without end.
	 */
	readUntilBytes: 65_536,

	/**
	 * Longest message that a codec reads or writes, so that a peer cannot make us store without end. A megabyte holds what programs usually
	 * say in one message.
	 */
	frameBytes: 1_048_576,

	/** Time that a trusted proxy has to send its header: many times what a network takes, and short enough for nobody to hold many. */
	proxyHeaderMs: 5_000,

	/** Time that a client has for the handshake of TLS with a listener: many round trips, and short enough for nobody to hold many. */
	tlsHandshakeMs: 10_000,

	/**
	 * Time for a proxy's answer, or a handshake of TLS, where no time limit is given: as long as most proxies try to reach a server, and short enough
	 * for a program to say at last that nobody answers.
	 */
	handshakeMs: 60_000,

	/**
	 * Handshakes of TLS that a listener has under way. Each holds a descriptor, of which a process has 1024 as a rule, and some 50 KiB; the oldest
	 * gives way to a newcomer, so that clients who say nothing keep nobody out.
	 */
	tlsHandshakesCount: 512,

	/**
	 * Time for which a connection that comes to `socketry relay` has its place although its handshake or header is still due. After that it gives way to a
	 * newcomer who finds no place free: a second is many round trips, and whoever says nothing keeps nobody out.
	 */
	handshakeGraceMs: 1_000,

	/** Connections of TLS that are ready and not accepted yet, until a listener leaves the next ones to the kernel's queue. */
	tlsReadyCount: 64,

	/**
	 * Bytes that one direction of a disturbed connection holds for later before it stops reading: 100 ms of 40 MB/s, which is more than a test of a
	 * slow network needs, and hundreds of such connections fit into memory.
	 */
	faultHeldBytes: 4_194_304,

	/** Peers whose datagrams are disturbed at a time. Each holds a descriptor, of which a process has 1024 as a rule. */
	faultPeersCount: 256,

	/** Silence after which such a peer is forgotten: longer than most protocols over datagrams keep quiet. */
	faultIdleMs: 60_000,

	/** Longest request to the HTTP interface of faults: room for thousands of proxies. */
	faultRequestBytes: 1_048_576,

	/** Time that such a request has to arrive, Toxiproxy's own: who sends slowly keeps a descriptor for no longer. */
	faultRequestMs: 15_000,

	/**
	 * Pipes that relays have together if the process is root's; connections beyond that copy. A pipe holds 256 KiB and two descriptors, so that
	 * thousands of connections which stand still cost no more than 256 MiB and 2048 descriptors besides their own.
	 */
	relayPipesCount: 1_024,

	/**
	 * The same for anybody else: 32 MiB, since the first 16 of them hold a mebibyte. A user may have 64 MiB of pipes, and gets crippled ones of two
	 * pages after that (pipe(7)): half is left to his other programs.
	 */
	relayUserPipesCount: 80,

	/** Descriptors a process may have for each pipe of its relays: seven in eight are left for connections. */
	relayDescriptorsPerPipeCount: 16,

	/**
	 * Lines a second that a relay says of single connections; what is more is counted in one line. Whoever connects for nothing, some thousand times a
	 * second, must not fill a disk with that.
	 */
	relayLinesCount: 20,

	/** Time that `close()` lets queued bytes go before it resets the connection. */
	closeMs: 10_000,

	/** Head start of one address of a name over the next; RFC 8305 section 5 recommends 250 ms. */
	attemptDelayMs: 250,

	/**
	 * Head start of the servers of one priority over those of the next, in such head starts: 8 times 250 ms. A first packet that was lost is sent again
	 * after 1 s, so that a server which answers then is not passed over for one to fall back to; RFC 2782.
	 */
	fallbackDelaysCount: 8,

	/**
	 * Servers of a service that are tried, or looked up, the likeliest first. Nobody waits for the 257th, and an answer of 64 KiB, whoever gives it,
	 * names thousands.
	 */
	serviceServersCount: 256,

	/** Names of servers that are looked up at a time: each holds one of the four threads that Node has for names and files, and half of them are left. */
	lookupsAtOnceCount: 2,

	/** Failed addresses or servers that the message of an error has, which is for people; whoever answers for a name can name thousands. */
	failuresToldCount: 16,

	/** First pause before another attempt to connect, where that is asked for: a server that restarts is back after a few of them. */
	retryDelayMs: 100,

	/** Longest pause between attempts to connect: an outage that ends is noticed soon, and many clients do not hold a server down. */
	retryDelayMaxMs: 10_000,

	/** Longest time that a cached resolver keeps an answer. A minute is what names that move about are usually given to live. */
	nameAgeMs: 60_000,

	/** Names that a cached resolver remembers. */
	namesCount: 1_000,

	/** Pause before a Unix connect is tried again whose listener's queue was full: the kernel has no event for that. */
	connectRetryMs: 2,

	/** Pause before a datagram is sent again whose network card, or whose receiver's queue, was full, where no event tells of room. */
	sendRetryMs: 1,

	/** Pause of a listener that ran out of descriptors before it accepts again. */
	acceptBackoffMs: 100,

	/** Bytes in the `sun_path` of a Unix address without the closing NUL; unix(7). */
	unixPathBytes: 107,

	/**
	 * Bytes in the path of a socket file without the closing NUL, as `connect`, `listen` and `datagrams` take it: PATH_MAX of Linux less that
	 * one; path_resolution(7). Beyond `unixPathBytes` it is reached through a descriptor.
	 */
	socketPathBytes: 4_095,

	/**
	 * Time to wait for another process that makes, replaces or removes the same socket file. That takes less than a millisecond, so
	 * whoever needs longer is stopped.
	 */
	socketFileLockMs: 1_000,

	/**
	 * Time to wait for a socket that may be bound to a dead socket file, and does not listen yet. It does so within a millisecond, if its process gets a
	 * processor; who waits holds the lock of the file.
	 */
	socketFileDoubtMs: 100,

	/**
	 * Bytes in an abstract Unix name after its leading NUL: the 108 bytes of `sun_path` less that
	 * one; unix(7).
	 */
	unixAbstractBytes: 107,

	/** Length of a host name in bytes: RFC 1035 section 2.3.4, in its text form. */
	hostnameBytes: 253,

	/** Time for a step of a hand-over in which the other process has nothing to do but answer. */
	handoverStepMs: 10_000,

	/** Time that whoever knocks for a hand-over has for its first word. It says that at once; meanwhile nobody else can try. */
	handoverHelloMs: 2_000,

	/** Time that a new process may take to start, from the sockets that it was given to its `ready()`. Meanwhile no other can try. */
	handoverStartMs: 60_000,

	/** Time in which connections are handed over that become idle, before those which did not are left to the old process. */
	handoverMoveMs: 1_000,

	/** State that is handed over, of a process or of one connection: it is kept in memory on both sides. More belongs into a file. */
	handoverStateBytes: 16_777_216,

	/**
	 * Descriptors in one message: SCM_MAX_FD of the kernel; unix(7). Whoever receives any has room for
	 * all of them, so that the kernel cuts none off.
	 */
	descriptorsPerMessageCount: 253,

	/**
	 * Descriptors that one message may bring to who has asked for them without a number. Protocols send a few at a time (Wayland at most
	 * 28, D-Bus 16 by default in its daemon), and a process has 1024 of them as a rule: a stranger must not take a quarter with one message.
	 */
	descriptorsAllowedCount: 16,

	/**
	 * Descriptors of a stream that came and were not taken. Who takes what comes along has those of one or two messages at a time, 506 at the
	 * most; it stops a peer from filling the table of a process that only reads.
	 */
	descriptorsQueuedCount: 512,

	/** Bytes of a message to the service manager: systemd ignores longer ones (NOTIFY_BUFFER_MAX, which is PIPE_BUF). */
	notifyMessageBytes: 4_096,

	/** Room for one datagram of the kernel's lists of sockets: it fills 32 KiB at the most, whatever room there is (netlink_recvmsg). */
	netlinkReadBytes: 65_536,

	/** Time that the kernel has for the next part of such a list: it has it ready, and only a sandbox that swallows requests keeps us waiting. */
	netlinkAnswerMs: 1_000,

	/** How often such a list is read when it keeps changing meanwhile, before it is taken as it is, which is told. */
	listingAttemptsCount: 4,

	/** Entries of a directory among which a listing looks for a socket file that was renamed: /run and its like have some dozens. */
	listingFilesCount: 512,

	/** Time that a listing of sockets works before other callbacks get their turn. */
	listingTurnMs: 8,
} as const;
