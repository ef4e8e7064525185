/**
 * The lists of /proc/net: what they tell is less than what sock_diag tells, but they are there where that is not, and for the network
 * namespaces of other processes. Pure; lines that are none are passed over. See proc(5).
 */
import { ipv4ToText, ipv6ToText } from "../socket/ip.ts";
import { decodeSocketAddress, type SocketAddress } from "../socket/sockaddr.ts";
import { AF_UNIX } from "../sys/constants.ts";
import { isUnspecified } from "./inet-diag.ts";
import { type KernelSocket, type SocketKind, stateOf, unixKindOf } from "./kernel-socket.ts";

type Decode = (fields: readonly string[], line: string) => KernelSocket | undefined;

/** The files, by name, and how a line of each is read. */
export const PROC_FILES: Readonly<Record<string, Decode>> = {
	tcp: inetDecoder("tcp"),
	tcp6: inetDecoder("tcp"),
	udp: inetDecoder("udp"),
	udp6: inetDecoder("udp"),
	udplite: inetDecoder("udplite"),
	udplite6: inetDecoder("udplite"),
	raw: inetDecoder("raw"),
	raw6: inetDecoder("raw"),
	icmp: inetDecoder("icmp"),
	icmp6: inetDecoder("icmp"),
	unix: decodeUnixLine,
	packet: decodePacketLine,
	netlink: decodeNetlinkLine,
};

/**
 * Reads the text of one of these files.
 *
 * @param text a character for each byte (latin1): names of Unix sockets are bytes
 */
export function readProcFile(file: string, text: string): KernelSocket[] {
	const decode = PROC_FILES[file];
	if (decode === undefined) return [];
	const sockets: KernelSocket[] = [];
	const lines = text.replace(/\n$/, "").split("\n").slice(1);
	for (const line of file === "unix" ? unixLines(lines) : lines) {
		const socket = decode(line.trim().split(/\s+/), line);
		if (socket !== undefined) sockets.push(socket);
	}
	return sockets;
}

function inetDecoder(kind: SocketKind): Decode {
	return ([, localText = "", peerText = "", stateText = "", queues = "", , , uid, , inode]) => {
		const local = addressOf(localText);
		const peer = addressOf(peerText);
		if (local === undefined || peer === undefined || !isDecimal(inode)) return undefined;
		const state = stateOf(Number.parseInt(stateText, 16));
		const [send = "", receive = ""] = queues.split(":");
		// What has no socket any more, or none yet, has zeros there.
		const isWhole = inode !== "0" || !["time-wait", "syn-received"].includes(state);
		const hasPeer = state !== "listening" && (peer.port !== 0 || !isUnspecified(peer.host));
		return {
			kind,
			state,
			inode: Number(inode),
			local,
			peer: hasPeer ? peer : undefined,
			uid: isWhole ? Number(uid) : undefined,
			receiveQueue: isWhole ? Number.parseInt(receive, 16) : undefined,
			// The backlog of a listener is not told here.
			sendQueue: state === "listening" || !isWhole ? undefined : Number.parseInt(send, 16),
		};
	};
}

// Words of the address as the machine has them in memory, in hexadecimal; the port as a number.
function addressOf(text: string): Extract<SocketAddress, { host: string }> | undefined {
	const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/i.exec(text);
	if (match === null) return undefined;
	const [, words = "", port = ""] = match;
	const bytes = Uint8Array.from(words.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
	for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
	const number = Number.parseInt(port, 16);
	if (bytes.length === 4) return { family: "inet", host: ipv4ToText(bytes), port: number };
	if (bytes.length !== 16) return undefined;
	return { family: "inet6", host: ipv6ToText(bytes), port: number };
}

const UNIX_LINE =
	/^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?$/s;
const ACCEPTS = 0x10000;
const CONNECTED = 3;

// The kernel writes names as they are: what does not begin as a line goes on with the name before it.
function unixLines(lines: readonly string[]): readonly string[] {
	const whole: string[] = [];
	for (const line of lines) {
		const last = whole.length - 1;
		if (last < 0 || UNIX_LINE.test(line)) whole.push(line);
		else whole[last] += `\n${line}`;
	}
	return whole;
}

function decodeUnixLine(_: readonly string[], line: string): KernelSocket | undefined {
	const [, flags = "", type = "", state = "", inode = "", name] = UNIX_LINE.exec(line) ?? [];
	const kind = unixKindOf(Number.parseInt(type, 16));
	if (kind === undefined) return undefined;
	const isListening = (Number.parseInt(flags, 16) & ACCEPTS) !== 0;
	const connected = Number.parseInt(state, 16) === CONNECTED ? "established" : "unconnected";
	return {
		kind,
		state: isListening ? "listening" : connected,
		inode: Number(inode),
		local: name === undefined || name === "" ? undefined : unixName(name),
	};
}

// The kernel writes "@" for each NUL, of which the first tells an abstract name.
function unixName(name: string): SocketAddress {
	const bytes = Buffer.from(name, "latin1");
	if (bytes[0] === "@".charCodeAt(0)) bytes[0] = 0;
	return decodeSocketAddress(Uint8Array.of(AF_UNIX, 0, ...bytes));
}

function decodePacketLine(fields: readonly string[]): KernelSocket | undefined {
	const [, , , protocol = "", device, , receive, uid, inode] = fields;
	if (!/^[0-9a-f]{4}$/i.test(protocol) || !isDecimal(inode)) return undefined;
	return {
		kind: "packet",
		state: "unconnected",
		inode: Number(inode),
		device: Number(device) || undefined,
		uid: Number(uid),
		receiveQueue: Number(receive),
		subject: `0x${protocol}`,
	};
}

// linux/netlink.h
const NETLINK_PROTOCOLS = [
	...["route", "unused", "usersock", "firewall", "sock-diag", "nflog", "xfrm", "selinux", "iscsi"],
	...["audit", "fib-lookup", "connector", "netfilter", "ip6-fw", "dnrtmsg", "kobject-uevent"],
	...["generic", "", "scsi", "ecryptfs", "rdma", "crypto", "smc"],
];

function decodeNetlinkLine(fields: readonly string[]): KernelSocket | undefined {
	const [, protocol = "", port, , receive, send, , , , inode] = fields;
	if (!isDecimal(protocol) || !isDecimal(inode)) return undefined;
	return {
		kind: "netlink",
		state: "unconnected",
		inode: Number(inode),
		receiveQueue: Number(receive),
		sendQueue: Number(send),
		subject: `${NETLINK_PROTOCOLS[Number(protocol)] || protocol}:${port === "0" ? "kernel" : port}`,
	};
}

function isDecimal(text: string | undefined): boolean {
	return text !== undefined && /^\d{1,15}$/.test(text);
}
