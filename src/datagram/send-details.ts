/** What a datagram is sent with besides its bytes and its destination: control messages, encoded once for each set of values. */
import { type Known, requireBoolean, requireInteger, requireString } from "../arguments.ts";
import { InvalidAddressError, InvalidValueError } from "../errors.ts";
import { type ControlMessage, encodeControl } from "../socket/control.ts";
import { ipv4ToBytes, ipv6ToBytes, splitZone } from "../socket/ip.ts";
import type { PacketDestination } from "../socket/metadata.ts";
import { PASS, type PassOptions } from "../socket/passage.ts";
import { WAIT, type WaitOptions } from "../socket/wait.ts";
import {
	IP_PKTINFO,
	IP_TOS,
	IP_TTL,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPV6_DONTFRAG,
	IPV6_HOPLIMIT,
	IPV6_PKTINFO,
	IPV6_TCLASS,
} from "../sys/constants.ts";
import type { Destination } from "./destinations.ts";
import { RecentMap } from "./recent-map.ts";

/** Options of `send`: what goes along is for Unix sockets, the rest, but for that of waiting, for UDP. */
export interface SendOptions extends SendDetails, PassOptions {}

/** Options of `sendBatch`. All but those of waiting are for UDP. */
export interface SendDetails extends WaitOptions {
	/** Address of this machine to send from, numeric, or where a datagram that is answered was sent to. Default: as bound, or the kernel chooses. */
	readonly source?: string | PacketDestination | undefined;
	/** Index of the interface to send by, 1..2147483647. Default: what routes say; for a link-local `source` of a datagram, the one it came in by. */
	readonly interfaceIndex?: number | undefined;
	/** TTL or hop limit, 1..255. Default: the socket's. */
	readonly hopLimit?: number | undefined;
	/** Explicit congestion notification, 0..3. Default 0, or what the socket's traffic class says if `dscp` is not given either. */
	readonly ecn?: number | undefined;
	/** Differentiated services code point, 0..63. Default 0, or what the socket's traffic class says if `ecn` is not given either. */
	readonly dscp?: number | undefined;
	/**
	 * Whether it must not be cut into fragments, here or on its way: too long for what is known of the path, it fails with EMSGSIZE. For IPv4 an
	 * option of the socket is set around its send, for want of a control message; it leaves by itself then, by four system calls. Default
	 * false: as `mtuDiscovery` of the socket says. IPV6_DONTFRAG, ipv6(7); IP_MTU_DISCOVER, ip(7).
	 */
	readonly dontFragment?: boolean | undefined;
}

/** What every call that sends knows; `sendBatch` refuses by itself what it cannot pass. */
export const SEND: Known<SendOptions> = {
	...WAIT,
	...PASS,
	source: true,
	interfaceIndex: true,
	hopLimit: true,
	ecn: true,
	dscp: true,
	dontFragment: true,
};

/** Most that the control messages of one datagram take. */
export const DETAIL_CONTROL_BYTES_MAX = 112;

const INT32_MAX = 0x7fff_ffff;
/** fe80::/10, which every interface has. */
const LINK_LOCAL = /^fe[89ab]/i;

const controls = new RecentMap<Uint8Array>(1_024);

/**
 * The destination as it is with these options.
 *
 * @throws {InvalidAddressError} the source is no address of the destination's family
 * @throws {InvalidValueError} the destination is none of UDP
 * @throws {OutOfRangeError} a number is out of range
 */
export function withDetails(to: Destination, options: SendDetails): Destination {
	const { hopLimit, ecn, dscp } = options;
	const from = sourceOf(options);
	const isWhole = requireBoolean("dontFragment", options.dontFragment ?? false);
	const isUnmarked = hopLimit === undefined && ecn === undefined && dscp === undefined;
	if (from === undefined && isUnmarked && !isWhole) return to;
	if (to.port < 0) throw new InvalidValueError("options", "has what only UDP can send", options);
	const isUnfragmented = isWhole && to.isIpv4;
	if (from === undefined && isUnmarked && isUnfragmented) return { ...to, isUnfragmented };
	const key = `${to.isIpv4} ${from?.host} ${from?.interfaceIndex} ${hopLimit} ${ecn} ${dscp} ${isWhole}`;
	const control = controls.get(key) ?? controls.put(key, encode(to, from, options));
	return { ...to, control, isUnfragmented };
}

interface Source {
	readonly host: string | undefined;
	readonly interfaceIndex: number;
}

function sourceOf({ source, interfaceIndex }: SendDetails): Source | undefined {
	if (source === undefined && interfaceIndex === undefined) return undefined;
	const isObject = typeof source === "object" && source !== null;
	const host = isObject ? source.host : source;
	if (host !== undefined || isObject) requireString("source", host);
	if (interfaceIndex !== undefined) {
		return { host, interfaceIndex: requireInteger("interfaceIndex", interfaceIndex, 1, INT32_MAX) };
	}
	// The answer may have to leave by another interface than the question came in by.
	if (!isObject || !LINK_LOCAL.test(source.host)) return { host, interfaceIndex: 0 };
	const implied = requireInteger("source.interfaceIndex", source.interfaceIndex, 0, INT32_MAX);
	return { host, interfaceIndex: implied };
}

function encode(
	to: Destination,
	from: Source | undefined,
	{ hopLimit, ecn, dscp, dontFragment }: SendDetails,
): Uint8Array {
	const messages: ControlMessage[] = [];
	if (from !== undefined) messages.push(sourceMessage(from, to.isIpv4));
	if (hopLimit !== undefined) {
		messages.push(hopLimitMessage(requireInteger("hopLimit", hopLimit, 1, 255), to.isIpv4));
	}
	if (ecn !== undefined || dscp !== undefined) {
		const value =
			requireInteger("dscp", dscp ?? 0, 0, 63) * 4 + requireInteger("ecn", ecn ?? 0, 0, 3);
		messages.push(trafficClassMessage(value, to.isIpv4));
	}
	if (dontFragment && !to.isIpv4) {
		messages.push({ level: IPPROTO_IPV6, type: IPV6_DONTFRAG, data: int32(1) });
	}
	return encodeControl(messages);
}

function hopLimitMessage(value: number, isIpv4: boolean): ControlMessage {
	const data = int32(value);
	return isIpv4
		? { level: IPPROTO_IP, type: IP_TTL, data }
		: { level: IPPROTO_IPV6, type: IPV6_HOPLIMIT, data };
}

function trafficClassMessage(value: number, isIpv4: boolean): ControlMessage {
	const data = int32(value);
	return isIpv4
		? { level: IPPROTO_IP, type: IP_TOS, data }
		: { level: IPPROTO_IPV6, type: IPV6_TCLASS, data };
}

// struct in_pktinfo: interface, local address, unused; struct in6_pktinfo: address, interface.
function sourceMessage({ host, interfaceIndex }: Source, isIpv4: boolean): ControlMessage {
	const data = new Uint8Array(isIpv4 ? 12 : 20);
	data.set(int32(interfaceIndex), isIpv4 ? 0 : 16);
	if (host !== undefined) data.set(sourceBytes(host, isIpv4), isIpv4 ? 4 : 0);
	return isIpv4
		? { level: IPPROTO_IP, type: IP_PKTINFO, data }
		: { level: IPPROTO_IPV6, type: IPV6_PKTINFO, data };
}

// A socket of both families tells destinations of IPv4 as ::ffff:1.2.3.4.
function sourceBytes(host: string, isIpv4: boolean): Uint8Array {
	const bare = isIpv4 ? host.replace(/^::ffff:(?=\d+\.)/, "") : splitZone(host).host;
	const bytes = isIpv4 ? ipv4ToBytes(bare) : ipv6ToBytes(bare);
	if (bytes !== undefined) return bytes;
	throw new InvalidAddressError(
		host,
		`the source must be a numeric ${isIpv4 ? "IPv4" : "IPv6"} address, as the destination is`,
	);
}

function int32(value: number): Uint8Array {
	return new Uint8Array(Int32Array.of(value).buffer);
}
