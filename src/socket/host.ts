/**
 * Hosts in addresses: numeric ones in canonical form, names checked against what a resolver can
 * take.
 */
import { InvalidAddressError, InvalidTypeError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type IpFamily, ipv4ToBytes, ipv6ToBytes, ipv6ToText, splitZone } from "./ip.ts";

// IFNAMSIZ is 16 with its NUL; linux/if.h.
const ZONE_BYTES_MAX = 15;
const LABEL_CHARACTERS_MAX = 63;
// What URLs, paths and shells use as marks is in no host name, and shows an address in the wrong
// form.
const FORBIDDEN = " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~";

/**
 * Returns the host in canonical form: IPv4 as is, IPv6 as in RFC 5952 with its zone, `*`, or a name
 * in lower case.
 *
 * @param host may be an IPv6 address in brackets
 * @param input what an error quotes
 * @throws {InvalidTypeError} the host is no string
 * @throws {InvalidAddressError} it is none of these forms
 */
export function normalizeHost(host: unknown, input: unknown): string {
	if (typeof host !== "string") throw new InvalidTypeError("host", "a string", host);
	if (host === "*" || ipv4ToBytes(host) !== undefined) return host;
	const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
	if (bare.includes(":")) return normalizeIpv6(bare, input);
	if (bare !== host) {
		throw new InvalidAddressError(input, "only an IPv6 address goes in brackets, as in [::1]");
	}
	return normalizeName(host, input);
}

/** Family of a host in canonical form: undefined for a name and for `*`. */
export function hostFamily(host: string): IpFamily | undefined {
	if (host.includes(":")) return "inet6";
	return ipv4ToBytes(host) === undefined ? undefined : "inet";
}

function normalizeIpv6(text: string, input: unknown): string {
	const { host, zone } = splitZone(text);
	const bytes = ipv6ToBytes(host);
	if (bytes === undefined) {
		throw new InvalidAddressError(
			input,
			"the host is no IPv6 address; write it as in [2001:db8::1]",
		);
	}
	if (zone === undefined) return ipv6ToText(bytes);
	const isNamed = zone.length > 0 && !hasForbidden(zone, "%/") && zone.length <= ZONE_BYTES_MAX;
	if (isNamed) return `${ipv6ToText(bytes)}%${zone}`;
	throw new InvalidAddressError(
		input,
		`the zone after % is an interface of 1 to ${ZONE_BYTES_MAX} characters, as in fe80::1%eth0`,
	);
}

function normalizeName(name: string, input: unknown): string {
	if (name === "") {
		throw new InvalidAddressError(
			input,
			"the host is empty; give an IP address, a name, or * for any",
		);
	}
	if (hasForbidden(name, FORBIDDEN)) {
		throw new InvalidAddressError(
			input,
			"the host has a character that no host name has; give an IP address, a name, or *",
		);
	}
	const bytes = new TextEncoder().encode(name).length;
	if (bytes > LIMITS.hostnameBytes) {
		throw new InvalidAddressError(
			input,
			`the host has ${bytes} bytes, but a name has at most ${LIMITS.hostnameBytes}`,
		);
	}
	checkLabels(name.toLowerCase(), input);
	return name.toLowerCase();
}

function checkLabels(name: string, input: unknown): void {
	const labels = name.split(".");
	// The dot after the last label keeps the resolver from trying search domains.
	if (labels.length > 1 && labels.at(-1) === "") labels.pop();
	const last = labels.at(-1) ?? "";
	// getaddrinfo(3) reads 127.1, 0177.0.0.1 and 0x7f000001 as IPv4; nobody who checks hosts does.
	if (isDecimalOrHex(last)) {
		throw new InvalidAddressError(
			input,
			"the host ends in a number but is no IPv4 address; write four decimals without leading zeros",
		);
	}
	for (const label of labels) {
		if (label.length >= 1 && label.length <= LABEL_CHARACTERS_MAX) continue;
		throw new InvalidAddressError(
			input,
			`each part of a host name between dots has 1 to ${LABEL_CHARACTERS_MAX} characters`,
		);
	}
}

function isDecimalOrHex(label: string): boolean {
	return /^(?:\d+|0x[\da-f]*)$/.test(label);
}

function hasForbidden(text: string, forbidden: string): boolean {
	for (const character of text) {
		const unit = character.charCodeAt(0);
		const isControl = unit <= 0x20 || (unit >= 0x7f && unit <= 0xa0);
		if (isControl || forbidden.includes(character) || isSurrogate(character)) return true;
	}
	return false;
}

function isSurrogate(character: string): boolean {
	return character.length === 1 && character >= "\ud800" && character <= "\udfff";
}
