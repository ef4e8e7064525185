/**
 * The socket options of Linux, in the order of their kernel names: type, access, unit, first
 * kernel, meaning.
 *
 * "Tell" means by a control message with each packet received. Access is "r", "w" or
 * "rw"; the kernel is given where it is later than 3.0. Left out are options whose value holds a
 * pointer (SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF, TCP_ZEROCOPY_RECEIVE): JavaScript has no
 * address to put there.
 */
import { InvalidTypeError, InvalidValueError } from "../errors.ts";
import {
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPPROTO_TCP,
	IPPROTO_UDP,
	SOL_SOCKET,
} from "../sys/constants.ts";
import type { OptionInputOf, OptionType, OptionValues } from "./option-value.ts";

type Access = "r" | "w" | "rw";
type Row = readonly [
	option: number,
	type: OptionType,
	access: Access,
	unit: string,
	since: string,
	meaning: string,
];

// biome-ignore format: a table
const SOCKET = {
	SO_ACCEPTCONN: [30, "bool", "r", "", "", "whether the socket listens"],
	SO_ATTACH_BPF: [50, "descriptor", "w", "", "3.19", "filter packets with this BPF program"],
	SO_ATTACH_REUSEPORT_EBPF: [52, "descriptor", "w", "", "4.5", "choose a listener by this program"],
	SO_BINDTODEVICE: [25, "string", "rw", "", "", "use this interface alone; empty for any"],
	SO_BINDTOIFINDEX: [62, "count", "rw", "", "5.0", "use this interface alone; 0 for any"],
	SO_BROADCAST: [6, "bool", "rw", "", "", "allow datagrams to broadcast addresses"],
	SO_BUF_LOCK: [72, "count", "rw", "flags", "5.15", "do not tune buffers: 1 send, 2 receive"],
	SO_BUSY_POLL: [46, "count", "rw", "us", "3.11", "poll the device this long before sleeping"],
	SO_BUSY_POLL_BUDGET: [70, "uint16", "w", "packets", "5.11", "packets in one turn of polling"],
	SO_COOKIE: [57, "uint64", "r", "", "4.12", "number of the socket, never used again"],
	SO_DEBUG: [1, "bool", "rw", "", "", "record debugging information"],
	SO_DETACH_FILTER: [27, "int", "w", "", "", "remove the filter; the value is ignored"],
	SO_DETACH_REUSEPORT_BPF: [68, "int", "w", "", "5.3", "remove the program that chooses listeners"],
	SO_DOMAIN: [39, "count", "r", "AF_*", "", "address family"],
	SO_DONTROUTE: [5, "bool", "rw", "", "", "send to directly connected hosts alone"],
	SO_ERROR: [4, "count", "r", "errno", "", "pending error, which reading clears"],
	SO_INCOMING_CPU: [49, "int", "rw", "cpu", "3.19", "processor of the packets; -1 none"],
	SO_INCOMING_NAPI_ID: [56, "uint32", "r", "", "4.12", "device queue that the packets come from"],
	SO_KEEPALIVE: [9, "bool", "rw", "", "", "probe the peer of an idle connection"],
	SO_LINGER: [13, "linger", "rw", "s", "", "wait on close for queued bytes"],
	SO_LOCK_FILTER: [44, "bool", "rw", "", "3.9", "keep the filter from being changed, for ever"],
	SO_MARK: [36, "uint32", "rw", "", "", "mark of outgoing packets, for routing and filters"],
	SO_MAX_PACING_RATE: [47, "uint64", "rw", "bytes/s", "3.13", "highest rate of sending"],
	SO_MEMINFO: [55, "uint32s", "r", "", "4.12", "memory in use; SK_MEMINFO_*"],
	SO_NETNS_COOKIE: [71, "uint64", "r", "", "5.14", "number of the network namespace"],
	SO_NO_CHECK: [11, "bool", "rw", "", "", "send UDP over IPv4 without checksum"],
	SO_OOBINLINE: [10, "bool", "rw", "", "", "leave urgent data in the stream"],
	SO_PEEK_OFF: [42, "int", "rw", "bytes", "3.4", "where MSG_PEEK begins; -1 at the start"],
	SO_PREFER_BUSY_POLL: [69, "bool", "rw", "", "5.11", "let busy polling replace interrupts"],
	SO_PRIORITY: [12, "int", "rw", "", "", "priority of packets; above 6 privileged"],
	SO_PROTOCOL: [38, "count", "r", "IPPROTO_*", "", "protocol"],
	SO_RCVBUF: [8, "count", "rw", "bytes", "", "receive buffer; the kernel doubles what is set"],
	SO_RCVBUFFORCE: [33, "count", "w", "bytes", "", "receive buffer beyond the limit; privileged"],
	SO_RCVLOWAT: [18, "count", "rw", "bytes", "", "bytes that make the socket readable"],
	SO_RCVMARK: [75, "bool", "rw", "", "5.19", "tell the mark of received packets"],
	SO_RCVPRIORITY: [82, "bool", "rw", "", "6.14", "tell the priority of received packets"],
	SO_RCVTIMEO: [20, "timeval", "rw", "ms", "", "time limit of blocking reads; 0 for none"],
	SO_RESERVE_MEM: [73, "count", "rw", "bytes", "5.17", "memory set aside for the socket"],
	SO_REUSEADDR: [2, "bool", "rw", "", "", "bind although old connections linger"],
	SO_REUSEPORT: [15, "bool", "rw", "", "3.9", "share the port with other sockets of this user"],
	SO_RXQ_OVFL: [40, "bool", "rw", "", "", "tell the number of dropped datagrams"],
	SO_SNDBUF: [7, "count", "rw", "bytes", "", "send buffer; the kernel doubles what is set"],
	SO_SNDBUFFORCE: [32, "count", "w", "bytes", "", "send buffer beyond the limit; privileged"],
	SO_SNDLOWAT: [19, "count", "r", "bytes", "", "always 1 on Linux"],
	SO_SNDTIMEO: [21, "timeval", "rw", "ms", "", "time limit of blocking writes; 0 for none"],
	SO_TIMESTAMP: [29, "bool", "rw", "", "", "tell the time of receipt in microseconds"],
	SO_TIMESTAMPING: [37, "int", "rw", "SOF_TIMESTAMPING_*", "", "times of packets"],
	SO_TIMESTAMPNS: [35, "bool", "rw", "", "", "tell the time of receipt in nanoseconds"],
	SO_TXREHASH: [74, "int", "rw", "", "5.18", "other path on retransmission; -1 default"],
	SO_TXTIME: [61, "bytes", "rw", "", "4.19", "send at given times; struct sock_txtime"],
	SO_TYPE: [3, "count", "r", "SOCK_*", "", "type of the socket"],
	SO_ZEROCOPY: [60, "bool", "rw", "", "4.14", "allow MSG_ZEROCOPY"],
} as const;

// biome-ignore format: a table
const UNIX = {
	SO_PASSCRED: [16, "bool", "rw", "", "", "tell the sender's credentials"],
	SO_PASSPIDFD: [76, "bool", "rw", "", "6.5", "send a pidfd of the sender along"],
	SO_PASSRIGHTS: [83, "bool", "rw", "", "6.16", "accept descriptors; on by default"],
	SO_PASSSEC: [34, "bool", "rw", "", "", "tell the sender's security label"],
	SO_PEERCRED: [17, "ucred", "r", "", "", "who opened the other end"],
	SO_PEERGROUPS: [59, "uint32s", "r", "", "4.13", "groups of who opened the other end"],
	SO_PEERPIDFD: [77, "descriptor", "r", "", "6.5", "pidfd of who opened the other end"],
	SO_PEERSEC: [31, "string", "r", "", "", "security label of the peer"],
} as const;

// biome-ignore format: a table
const TCP = {
	TCP_CC_INFO: [26, "bytes", "r", "", "4.1", "congestion control; union tcp_cc_info"],
	TCP_CONGESTION: [13, "string", "rw", "", "", "congestion control, such as cubic"],
	TCP_CORK: [3, "bool", "rw", "", "", "send full segments alone, for at most 200 ms"],
	TCP_DEFER_ACCEPT: [9, "count", "rw", "s", "", "accept only when data has come"],
	TCP_DELACK_MAX_US: [46, "count", "rw", "us", "6.15", "longest delay of an acknowledgement"],
	TCP_FASTOPEN: [23, "count", "rw", "connections", "3.7", "queue for data in the SYN"],
	TCP_FASTOPEN_CONNECT: [30, "bool", "rw", "", "4.11", "let connect wait for the first write"],
	TCP_FASTOPEN_KEY: [33, "bytes", "rw", "", "4.15", "key of Fast Open cookies: 16 or 32 bytes"],
	TCP_FASTOPEN_NO_COOKIE: [34, "bool", "rw", "", "4.15", "Fast Open without cookie"],
	TCP_INFO: [11, "tcp_info", "r", "", "", "state and figures of the connection"],
	TCP_INQ: [36, "bool", "rw", "", "4.18", "tell the bytes left to read"],
	TCP_IS_MPTCP: [43, "bool", "r", "", "6.10", "whether Multipath TCP is in use"],
	TCP_KEEPCNT: [6, "count", "rw", "probes", "", "unanswered probes that end it: 1 to 127"],
	TCP_KEEPIDLE: [4, "count", "rw", "s", "", "idle time before the first probe: 1 to 32767"],
	TCP_KEEPINTVL: [5, "count", "rw", "s", "", "time between probes: 1 to 32767"],
	TCP_LINGER2: [8, "int", "rw", "s", "", "time in FIN-WAIT-2 after close"],
	TCP_MAXSEG: [2, "count", "rw", "bytes", "", "largest segment"],
	TCP_NODELAY: [1, "bool", "rw", "", "", "send small segments at once"],
	TCP_NOTSENT_LOWAT: [25, "uint32", "rw", "bytes", "3.12", "writable below this much unsent"],
	TCP_QUICKACK: [12, "bool", "rw", "", "", "acknowledge at once; not permanent"],
	TCP_RTO_MAX_MS: [44, "count", "rw", "ms", "6.15", "longest timeout: 1000 to 120000"],
	TCP_RTO_MIN_US: [45, "count", "rw", "us", "6.15", "shortest retransmission timeout"],
	TCP_SAVED_SYN: [28, "bytes", "r", "", "4.2", "headers of the SYN, once"],
	TCP_SAVE_SYN: [27, "count", "rw", "", "4.2", "keep the headers of SYNs: 1 IP, 2 link"],
	TCP_SYNCNT: [7, "count", "rw", "packets", "", "SYNs before connect fails: 1 to 255"],
	TCP_THIN_LINEAR_TIMEOUTS: [16, "bool", "rw", "", "", "retransmit without doubling the wait"],
	TCP_TIMESTAMP: [24, "uint32", "r", "ms", "3.9", "clock of the timestamp option"],
	TCP_TX_DELAY: [37, "count", "rw", "us", "5.3", "delay of outgoing packets, for tests"],
	TCP_ULP: [31, "string", "rw", "", "4.13", "protocol on top, such as tls"],
	TCP_USER_TIMEOUT: [18, "count", "rw", "ms", "", "longest wait for an acknowledgement"],
	TCP_WINDOW_CLAMP: [10, "count", "rw", "bytes", "", "largest window to advertise"],
} as const;

// biome-ignore format: a table
const IPV4 = {
	IP_ADD_MEMBERSHIP: [35, "ip_mreqn", "w", "", "", "join a multicast group"],
	IP_ADD_SOURCE_MEMBERSHIP: [39, "ip_mreq_source", "w", "", "", "join a group for one source"],
	IP_BIND_ADDRESS_NO_PORT: [24, "bool", "rw", "", "4.2", "bind to port 0: choose it at connect"],
	IP_BLOCK_SOURCE: [38, "ip_mreq_source", "w", "", "", "stop data of one source in a group"],
	IP_DROP_MEMBERSHIP: [36, "ip_mreqn", "w", "", "", "leave a multicast group"],
	IP_DROP_SOURCE_MEMBERSHIP: [40, "ip_mreq_source", "w", "", "", "leave a group for one source"],
	IP_FREEBIND: [15, "bool", "rw", "", "", "bind to an address that no interface has yet"],
	IP_HDRINCL: [3, "bool", "rw", "", "", "the IP header comes with the data; raw sockets"],
	IP_LOCAL_PORT_RANGE: [51, "uint32", "rw", "", "6.3", "ports to choose: last << 16 | first"],
	IP_MINTTL: [21, "byte", "rw", "hops", "", "drop packets with a smaller TTL"],
	IP_MTU: [14, "count", "r", "bytes", "", "path MTU of a connected socket"],
	IP_MTU_DISCOVER: [10, "count", "rw", "IP_PMTUDISC_*", "", "path MTU discovery"],
	IP_MULTICAST_ALL: [49, "bool", "rw", "", "", "take every group joined by anyone"],
	IP_MULTICAST_IF: [32, "in_addr", "rw", "", "", "interface of outgoing multicast, by its address"],
	IP_MULTICAST_LOOP: [34, "bool", "rw", "", "", "deliver multicast to this machine as well"],
	IP_MULTICAST_TTL: [33, "hops", "rw", "hops", "", "TTL of outgoing multicast"],
	IP_OPTIONS: [4, "bytes", "rw", "", "", "IP options of outgoing packets, at most 40 bytes"],
	IP_PKTINFO: [8, "bool", "rw", "", "", "tell destination and interface"],
	IP_PROTOCOL: [52, "count", "r", "IPPROTO_*", "6.4", "protocol of a raw socket"],
	IP_RECVERR: [11, "bool", "rw", "", "", "queue errors for MSG_ERRQUEUE"],
	IP_RECVFRAGSIZE: [25, "bool", "rw", "", "4.10", "tell the largest fragment"],
	IP_RECVORIGDSTADDR: [20, "bool", "rw", "", "", "tell the original destination"],
	IP_RECVTOS: [13, "bool", "rw", "", "", "tell the TOS byte"],
	IP_RECVTTL: [12, "bool", "rw", "", "", "tell the TTL"],
	IP_TOS: [1, "byte", "rw", "", "", "DSCP and ECN bits of outgoing packets"],
	IP_TRANSPARENT: [19, "bool", "rw", "", "", "act for addresses of others; privileged"],
	IP_TTL: [2, "hops", "rw", "hops", "", "TTL of outgoing packets: 1 to 255, -1 default"],
	IP_UNBLOCK_SOURCE: [37, "ip_mreq_source", "w", "", "", "take data of a blocked source again"],
	IP_UNICAST_IF: [50, "uint32be", "rw", "", "3.4", "interface of outgoing packets, by its index"],
	MCAST_BLOCK_SOURCE: [43, "bytes", "w", "", "", "struct group_source_req"],
	MCAST_JOIN_GROUP: [42, "bytes", "w", "", "", "struct group_req"],
	MCAST_JOIN_SOURCE_GROUP: [46, "bytes", "w", "", "", "struct group_source_req"],
	MCAST_LEAVE_GROUP: [45, "bytes", "w", "", "", "struct group_req"],
	MCAST_LEAVE_SOURCE_GROUP: [47, "bytes", "w", "", "", "struct group_source_req"],
	MCAST_UNBLOCK_SOURCE: [44, "bytes", "w", "", "", "struct group_source_req"],
} as const;

// biome-ignore format: a table
const IPV6 = {
	IPV6_ADDR_PREFERENCES: [72, "int", "rw", "IPV6_PREFER_SRC_*", "", "local address to prefer"],
	IPV6_ADD_MEMBERSHIP: [20, "ipv6_mreq", "w", "", "", "join a multicast group"],
	IPV6_AUTOFLOWLABEL: [70, "bool", "rw", "", "", "give each flow a label"],
	IPV6_DONTFRAG: [62, "bool", "rw", "", "", "refuse what would be fragmented"],
	IPV6_DROP_MEMBERSHIP: [21, "ipv6_mreq", "w", "", "", "leave a multicast group"],
	IPV6_FREEBIND: [78, "bool", "rw", "", "4.15", "bind to an address that no interface has yet"],
	IPV6_MINHOPCOUNT: [73, "byte", "rw", "hops", "", "drop packets with a smaller hop limit"],
	IPV6_MTU: [24, "count", "rw", "bytes", "", "path MTU of a connected socket"],
	IPV6_MTU_DISCOVER: [23, "count", "rw", "IP_PMTUDISC_*", "", "path MTU discovery"],
	IPV6_MULTICAST_ALL: [29, "bool", "rw", "", "4.20", "take every group joined by anyone"],
	IPV6_MULTICAST_HOPS: [18, "hops", "rw", "hops", "", "hop limit of outgoing multicast"],
	IPV6_MULTICAST_IF: [17, "count", "rw", "", "", "interface of outgoing multicast, by its index"],
	IPV6_MULTICAST_LOOP: [19, "bool", "rw", "", "", "deliver multicast to this machine as well"],
	IPV6_RECVERR: [25, "bool", "rw", "", "", "queue errors for MSG_ERRQUEUE"],
	IPV6_RECVFRAGSIZE: [77, "bool", "rw", "", "4.10", "tell the largest fragment"],
	IPV6_RECVHOPLIMIT: [51, "bool", "rw", "", "", "tell the hop limit"],
	IPV6_RECVORIGDSTADDR: [74, "bool", "rw", "", "", "tell the original destination"],
	IPV6_RECVPKTINFO: [49, "bool", "rw", "", "", "tell destination and interface"],
	IPV6_RECVTCLASS: [66, "bool", "rw", "", "", "tell the traffic class"],
	IPV6_TCLASS: [67, "hops", "rw", "", "", "traffic class of outgoing packets; -1 default"],
	IPV6_TRANSPARENT: [75, "bool", "rw", "", "", "act for addresses of others; privileged"],
	IPV6_UNICAST_HOPS: [16, "hops", "rw", "hops", "", "hop limit of outgoing packets; -1 default"],
	IPV6_UNICAST_IF: [76, "uint32be", "rw", "", "3.4", "interface of outgoing packets, by its index"],
	IPV6_V6ONLY: [26, "bool", "rw", "", "", "refuse IPv4 on this socket"],
} as const;

// biome-ignore format: a table
const UDP = {
	UDP_CORK: [1, "bool", "rw", "", "", "gather writes into one datagram"],
	UDP_ENCAP: [100, "count", "rw", "UDP_ENCAP_*", "", "the datagrams carry IPsec or tunnels"],
	UDP_GRO: [104, "bool", "rw", "", "5.0", "receive runs of datagrams at once, with their size"],
	UDP_NO_CHECK6_RX: [102, "bool", "rw", "", "3.16", "accept datagrams without checksum over IPv6"],
	UDP_NO_CHECK6_TX: [101, "bool", "rw", "", "3.16", "send without checksum over IPv6"],
	UDP_SEGMENT: [103, "uint16", "rw", "bytes", "4.18", "cut writes into datagrams; 0 for off"],
} as const;

type Table = typeof SOCKET & typeof UNIX & typeof TCP & typeof IPV4 & typeof IPV6 & typeof UDP;

/** Kernel name of an option in the table. */
export type OptionName = keyof Table;
/** Options that `getOption` can read. */
export type ReadableOptionName = {
	[Name in OptionName]: Table[Name][2] extends "w" ? never : Name;
}[OptionName];
/** Options that `setOption` can set. */
export type WritableOptionName = {
	[Name in OptionName]: Table[Name][2] extends "r" ? never : Name;
}[OptionName];
/** What reading the option gives. */
export type OptionValue<Name extends OptionName> = OptionValues[Table[Name][1]];
/** What setting the option takes. */
export type OptionInput<Name extends OptionName> = OptionInputOf<Table[Name][1]>;

/** All that the table says about an option. */
export interface OptionDescription {
	/** Its name in the kernel's headers. */
	readonly name: OptionName;
	/** Level for getsockopt(2) and setsockopt(2). */
	readonly level: number;
	/** Name of the level: `"SOL_SOCKET"`. */
	readonly levelName: string;
	/** Number at that level. */
	readonly option: number;
	/** How its value is read and written. */
	readonly type: OptionType;
	/** Unit of the value, or the constants that it is made of; empty for none. */
	readonly unit: string;
	/** Whether `getOption` takes it. */
	readonly canRead: boolean;
	/** Whether `setOption` takes it. */
	readonly canWrite: boolean;
	/** Where it is, as `process.platform` names it. */
	readonly platforms: readonly string[];
	/** First Linux that has it; empty for any that is in use. */
	readonly since: string;
	/** Section of the manual. */
	readonly man: string;
	/** What it does, for people. */
	readonly meaning: string;
}

type Group = readonly [
	level: number,
	levelName: string,
	man: string,
	rows: Readonly<Record<string, Row>>,
];

const GROUPS: readonly Group[] = [
	[SOL_SOCKET, "SOL_SOCKET", "socket(7)", SOCKET],
	[SOL_SOCKET, "SOL_SOCKET", "unix(7)", UNIX],
	[IPPROTO_TCP, "IPPROTO_TCP", "tcp(7)", TCP],
	[IPPROTO_IP, "IPPROTO_IP", "ip(7)", IPV4],
	[IPPROTO_IPV6, "IPPROTO_IPV6", "ipv6(7)", IPV6],
	[IPPROTO_UDP, "IPPROTO_UDP", "udp(7)", UDP],
];

let descriptions: ReadonlyMap<string, OptionDescription> | undefined;

/**
 * Looks an option up by its kernel name.
 *
 * @throws {InvalidTypeError} the name is no string
 * @throws {InvalidValueError} the table has no such option; the raw `getsockopt` and `setsockopt`
 *   take any
 */
export function describeOption(name: OptionName): OptionDescription {
	const found = allDescriptions().get(name);
	if (found !== undefined) return found;
	if (typeof name !== "string") throw new InvalidTypeError("name", "the name of an option", name);
	throw new InvalidValueError(
		"name",
		"must be an option such as SO_RCVBUF; others go by level and number",
		name,
	);
}

/** Lists every option of the table. */
export function listOptions(): readonly OptionDescription[] {
	return [...allDescriptions().values()];
}

// Built on first use, so that importing the library costs nothing for it.
function allDescriptions(): ReadonlyMap<string, OptionDescription> {
	descriptions ??= new Map(GROUPS.flatMap((group) => describeGroup(...group)));
	return descriptions;
}

function describeGroup(
	level: number,
	levelName: string,
	man: string,
	rows: Readonly<Record<string, Row>>,
): [string, OptionDescription][] {
	return Object.entries(rows).map(([name, [option, type, access, unit, since, meaning]]) => [
		name,
		{
			name: name as OptionName,
			level,
			levelName,
			option,
			type,
			unit,
			canRead: access !== "w",
			canWrite: access !== "r",
			platforms: ["linux"],
			since,
			man,
			meaning,
		},
	]);
}
