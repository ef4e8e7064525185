/** What options look like in TypeScript, by the C type behind them. */
import type { TcpInfo } from "./tcp-info.ts";

/**
 * SO_LINGER: whether and how long close(2) waits for queued bytes; 0 seconds resets the connection.
 */
export interface Linger {
	readonly on: boolean;
	/** 0..65535; the kernel keeps it while `on` is false. */
	readonly seconds: number;
}

/** A process and its user, as the kernel tells them of a peer or a sender; unix(7). */
export interface Credentials {
	/** Process id as seen from our namespace; 0 when it is not visible there. */
	readonly pid: number;
	/** Effective user id; 4294967295 when there is no peer. */
	readonly uid: number;
	/** Effective group id; 4294967295 when there is no peer. */
	readonly gid: number;
}

/** IPv4 multicast group and the interface to receive it on; `struct ip_mreqn`. */
export interface Ipv4Membership {
	readonly group: string;
	/** Address of the local interface; the kernel chooses when neither this nor `index` is given. */
	readonly interface?: string;
	/** Index of the local interface; takes precedence over `interface`. */
	readonly index?: number;
}

/** IPv4 multicast group and one of its sources; `struct ip_mreq_source`. */
export interface Ipv4SourceMembership {
	readonly group: string;
	readonly source: string;
	/** Address of the local interface; the kernel chooses when it is left out. */
	readonly interface?: string;
}

/** IPv6 multicast group and the interface to receive it on; `struct ipv6_mreq`. */
export interface Ipv6Membership {
	readonly group: string;
	/** Index of the local interface; the kernel chooses for 0 or when it is left out. */
	readonly index?: number;
}

/** What `getOption` returns, by type of option. */
export interface OptionValues {
	/** `int` that is 0 or not. */
	bool: boolean;
	/** `int`, -2147483648..2147483647. */
	int: number;
	/** `int` that is never negative, 0..2147483647. */
	count: number;
	/** `int`, 0..255. */
	byte: number;
	/** `int`, -1..255; -1 is the default of the system. */
	hops: number;
	/** `int`, 0..65535. */
	uint16: number;
	/** 0..4294967295. */
	uint32: number;
	/** 0..4294967295 in network byte order. */
	uint32be: number;
	/** 0..2^64-1. */
	uint64: bigint;
	/** Several uint32. */
	uint32s: readonly number[];
	linger: Linger;
	/** `struct timeval` in milliseconds, with fractions down to a microsecond; 0 is for ever. */
	timeval: number;
	/** Text up to the first NUL. */
	string: string;
	ucred: Credentials;
	/** An open descriptor: what is read is new, close-on-exec, and the caller's to close. */
	descriptor: number;
	/** IPv4 address in text. */
	in_addr: string;
	ip_mreqn: Ipv4Membership;
	ip_mreq_source: Ipv4SourceMembership;
	ipv6_mreq: Ipv6Membership;
	tcp_info: TcpInfo;
	/** The bytes of a C structure. */
	bytes: Uint8Array;
}

/** Names a C type behind an option. */
export type OptionType = keyof OptionValues;

/**
 * What `setOption` takes, by type of option: as it returns, but a uint64 may also be a safe
 * integer.
 */
export type OptionInputOf<Type extends OptionType> = Type extends "uint64"
	? bigint | number
	: OptionValues[Type];
