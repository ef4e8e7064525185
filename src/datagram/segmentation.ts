/** Whether, and up to which length, the kernel cuts datagrams out of a larger message on sending: UDP GSO, udp(7). */
import type { Socket } from "../socket/socket.ts";
import { IPPROTO_UDP, UDP_SEGMENT } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EINVAL, EIO, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP } from "../sys/errno.ts";

// A kernel that lacks UDP_SEGMENT ignores it in a control message and sends all as one datagram: it must be asked, once a thread.
let isSupported: boolean | undefined;
const value = new Uint8Array(4);

/** What one socket has learnt. */
export class Segmentation {
	/** Longest datagram that may be sent as one of several; 0 when none may. */
	strideMax: number;

	/** @param isWanted false to send each datagram by itself */
	constructor(socket: Socket, isWanted: boolean) {
		this.strideMax = isWanted && supports(socket) ? Number.MAX_SAFE_INTEGER : 0;
	}

	/** Whether such a failure of a message with several datagrams may be due to their being several. */
	mayBlame(rc: number): boolean {
		return BLAMED.has(rc);
	}

	/** Learns that datagrams of `stride` bytes failed together and went one by one. */
	degrade(rc: number, stride: number): void {
		// A segment that exceeds the path MTU is refused; otherwise the route cannot do it at all: no checksum offload, IPsec.
		const isTooLong = rc === EMSGSIZE || rc === EINVAL;
		this.strideMax = Math.min(this.strideMax, isTooLong ? stride - 1 : 0);
	}
}

const BLAMED: ReadonlySet<number> = new Set([EINVAL, EIO, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP]);

function supports(socket: Socket): boolean {
	isSupported ??= sys.getsockopt(socket.openFd(), IPPROTO_UDP, UDP_SEGMENT, value) >= 0;
	return isSupported;
}
