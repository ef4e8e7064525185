/** From `Datagrams` to a genuine `dgram.Socket`. */
import type { Socket as DgramSocket, RemoteInfo } from "node:dgram";
import type { Datagram } from "../datagram/datagram-contract.ts";
import { Datagrams } from "../datagram/datagrams.ts";
import { InvalidTypeError, UnsupportedError } from "../errors.ts";
import type { WaitOptions } from "../socket/wait.ts";
import {
	IP_RECVERR,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPPROTO_UDP,
	IPV6_RECVERR,
	SO_REUSEADDR,
	SOL_SOCKET,
	UDP_GRO,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { socketName } from "./names.ts";

interface DgramState {
	readonly handle: { connect?: () => number };
}

interface Peer {
	readonly host: string;
	readonly port: number;
}

const OFF = new Uint8Array(4);

/**
 * Makes a genuine `dgram.Socket` of a UDP socket, which is closed then. Datagrams that are queued go out first; those that have come are its
 * first `message` events, after the program has had its turn to listen for them. It is connected, and unreferenced, if the socket was.
 *
 * @param datagrams UDP. When this rejects it is still open and yours
 * @param options a time limit or a signal is for the queued datagrams
 * @throws {BusyError} a receive is pending
 * @throws {UnsupportedError} a Unix or vsock socket, which Node's dgram does not know
 */
export async function toDgram(
	datagrams: Datagrams,
	options: WaitOptions = {},
): Promise<DgramSocket> {
	if (!(datagrams instanceof Datagrams)) {
		throw new InvalidTypeError("datagrams", "a Datagrams", datagrams);
	}
	const { address, peer, socket } = datagrams;
	if (!("transport" in address) || address.transport !== "udp") {
		throw new UnsupportedError("dgram.Socket", "Node's dgram knows UDP only");
	}
	await datagrams.flush(options);
	const isIpv6 = socket.family === "inet6";
	const { referenced } = socket.descriptor;
	const { fd, unread } = datagrams.release();
	let made: DgramSocket;
	try {
		forgetOptions(fd);
		made = adopt(fd, isIpv6, peer as Peer | undefined);
	} catch (error) {
		sys.close(fd);
		throw error;
	}
	if (!referenced) made.unref();
	if (unread.length > 0) process.nextTick(deliver, made, unread);
	return made;
}

function adopt(fd: number, isIpv6: boolean, peer: Peer | undefined): DgramSocket {
	const reuse = new Uint8Array(4);
	sys.getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
	let isConnecting = false;
	const made = process.getBuiltinModule("node:dgram").createSocket({
		type: isIpv6 ? "udp6" : "udp4",
		lookup: (host, family, callback) => {
			// In the same turn: the program shall not see it unconnected.
			if (isConnecting) callback(null, host, isIpv6 ? 6 : 4);
			else process.getBuiltinModule("node:dns").lookup(host, family, callback);
		},
	});
	made.bind({ fd, exclusive: true });
	// libuv turns it on for what it opens, and then any process could bind the same port and get what comes.
	sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
	isConnecting = true;
	if (peer !== undefined) markConnected(made, peer);
	isConnecting = false;
	return made;
}

// Node would not read control messages: glued datagrams would be one, and errors in the queue would wake it for ever.
function forgetOptions(fd: number): void {
	sys.setsockopt(fd, IPPROTO_UDP, UDP_GRO, OFF);
	sys.setsockopt(fd, IPPROTO_IP, IP_RECVERR, OFF);
	sys.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, OFF);
}

// The kernel's socket is connected, and so is libuv's handle; only the JavaScript object does not know, and libuv refuses to connect twice.
function markConnected(made: DgramSocket, { host, port }: Peer): void {
	const { handle } = stateOf(made);
	handle.connect = () => 0;
	made.connect(port, host);
	delete handle.connect;
}

function stateOf(made: DgramSocket): DgramState {
	const symbols = Object.getOwnPropertySymbols(made);
	const key = symbols.find(({ description }) => description === "state symbol");
	const state = key && (made as unknown as Record<symbol, DgramState | undefined>)[key];
	if (state !== undefined) return state;
	const why = `Node ${process.version} keeps its state elsewhere; connect it after toDgram()`;
	throw new UnsupportedError("a connected dgram.Socket", why);
}

function deliver(made: DgramSocket, unread: readonly Datagram[]): void {
	for (const { data, from } of unread) {
		const { address, family, port } = socketName(from);
		const info = { address, family, port, size: data.length } as RemoteInfo;
		made.emit("message", data, info);
	}
}
