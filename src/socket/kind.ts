/** The families and types of sockets by name, and their numbers. */
import { requireOneOf } from "../arguments.ts";
import {
	AF_INET,
	AF_INET6,
	AF_UNIX,
	AF_VSOCK,
	SOCK_DGRAM,
	SOCK_SEQPACKET,
	SOCK_STREAM,
} from "../sys/constants.ts";

/** Address families; address_families(7). */
export type SocketFamily = "inet" | "inet6" | "unix" | "vsock";

/** Socket types: a stream of bytes, datagrams, or a connection that keeps message boundaries; socket(2). */
export type SocketType = "stream" | "dgram" | "seqpacket";

const FAMILIES: Readonly<Record<SocketFamily, number>> = {
	inet: AF_INET,
	inet6: AF_INET6,
	unix: AF_UNIX,
	vsock: AF_VSOCK,
};

const TYPES: Readonly<Record<SocketType, number>> = {
	stream: SOCK_STREAM,
	dgram: SOCK_DGRAM,
	seqpacket: SOCK_SEQPACKET,
};

/** The number of a family. */
export function familyNumber(family: SocketFamily): number {
	return FAMILIES[requireOneOf("family", family, Object.keys(FAMILIES) as SocketFamily[])];
}

/** The number of a type. */
export function typeNumber(type: SocketType): number {
	return TYPES[requireOneOf("type", type, Object.keys(TYPES) as SocketType[])];
}

/** The name of a family number, if it is one of ours. */
export function familyName(number: number): SocketFamily | undefined {
	return (Object.keys(FAMILIES) as SocketFamily[]).find((name) => FAMILIES[name] === number);
}

/** The name of a type number, if it is one of ours. */
export function typeName(number: number): SocketType | undefined {
	return (Object.keys(TYPES) as SocketType[]).find((name) => TYPES[name] === number);
}
