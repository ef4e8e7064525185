/** Version 1 of the PROXY protocol: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`, one line. */
import { FramingError, InvalidValueError } from "../errors.ts";
import type { Address } from "../socket/address.ts";
import { ipv4ToBytes, ipv6ToBytes, ipv6ToText } from "../socket/ip.ts";
import { bareHost, ipEnds, type ProxyHeader, type ProxyHeaderInit } from "./proxy-header.ts";

/** Longest line with its ending; section 2.1. */
export const LINE_BYTES_MAX = 107;
/** What a line begins with. */
export const LINE_START = "PROXY ";

const PORT = /^(0|[1-9][0-9]{0,4})$/;

/** Writes the line. Ends that are no IP addresses are told as unknown. */
export function encodeLine(init: ProxyHeaderInit): Uint8Array {
	if (init.extensions !== undefined && init.extensions.length > 0) {
		throw new InvalidValueError("extensions", "must be left out in version 1", init.extensions);
	}
	const ends = ipEnds(init);
	if (ends === undefined || ends.source.transport !== "tcp")
		return Buffer.from("PROXY UNKNOWN\r\n");
	const { isIpv4, source, destination } = ends;
	const hosts = `${bareHost(source)} ${bareHost(destination)}`;
	const ports = `${source.port} ${destination.port}`;
	return Buffer.from(`PROXY ${isIpv4 ? "TCP4" : "TCP6"} ${hosts} ${ports}\r\n`);
}

/**
 * Reads a line with its ending.
 *
 * @throws {FramingError} it is malformed
 */
export function decodeLine(line: string): ProxyHeader {
	const fields = line.slice(LINE_START.length, -2).split(" ");
	const [family, from = "", to = "", fromPort = "", toPort = ""] = fields;
	// What follows UNKNOWN has to be ignored; section 2.1.
	if (family === "UNKNOWN") return header(undefined, undefined);
	const isKnown = family === "TCP4" || family === "TCP6";
	if (!isKnown || fields.length !== 5) throw malformed();
	const isIpv4 = family === "TCP4";
	return header(toAddress(isIpv4, from, fromPort), toAddress(isIpv4, to, toPort));
}

function header(source: Address | undefined, destination: Address | undefined): ProxyHeader {
	return { version: 1, source, destination, extensions: [] };
}

function toAddress(isIpv4: boolean, host: string, port: string): Address {
	const bytes = isIpv4 ? ipv4ToBytes(host) : ipv6ToBytes(host);
	if (bytes === undefined || !PORT.test(port) || Number(port) > 65_535) throw malformed();
	return { transport: "tcp", host: isIpv4 ? host : ipv6ToText(bytes), port: Number(port) };
}

function malformed(): FramingError {
	return new FramingError("the line of the PROXY protocol is malformed");
}
