/** Addresses as people type them: those of the library, and shorter ones where there is no doubt. */
import { type Address, parseAddress } from "../index.ts";
import { addressHint } from "../socket/address.ts";
import { UsageError } from "./exit-code.ts";

/** What the command does with the address: bare ports mean different hosts. */
export type Role = "connect" | "listen";

const SCHEME =
	/^(?:tcp|udp|tcp\+srv|unix|unix-dgram|unix-seqpacket|vsock|vsock-dgram|vsock-seqpacket|fd|systemd):/;
const PORT = /^\d{1,5}$/;
const HOST_PORT = /^(\[[^\]]*\]|[^:/@[\]]*):(\d{1,5})$/;
// A word of socat's, and no host.
const SOCAT = /^(?:TCP|UDP|UNIX|ABSTRACT|VSOCK)[46]?(?:-[A-Z]+)?:/;
const SLASHES_ONLY = /^(tcp|udp):\/\/:(\d{1,5})$/;

/**
 * Reads an address: `8080`, `host:80`, `[::1]:80`, `:80`, `/path`, `./x.sock`, `@name`, or any of the library's.
 *
 * A port alone is one of this machine and no other: 127.0.0.1 to listen on, localhost to connect to. `:80` and `*:80` listen everywhere.
 *
 * @throws {UsageError} it can be anything
 * @throws {InvalidAddressError} it is malformed
 */
export function readAddress(text: string, role: Role): Address {
	const everywhere = role === "listen" ? "*" : "localhost";
	const [, scheme, port] = SLASHES_ONLY.exec(text) ?? [];
	if (scheme !== undefined) return parseAddress(`${scheme}://${everywhere}:${port}`);
	if (SCHEME.test(text)) return parseAddress(text);
	if (text.startsWith("abstract:")) return parseAddress(`unix:@${text.slice(9)}`);
	if (text.startsWith("unix-abstract:")) return parseAddress(`unix:@${text.slice(14)}`);
	if (PORT.test(text)) {
		return parseAddress(`tcp://${role === "listen" ? "127.0.0.1" : "localhost"}:${text}`);
	}
	if (/^(?:\/|\.\.?\/|@)/.test(text)) return parseAddress(`unix:${text}`);
	const [, host, hostPort] = HOST_PORT.exec(text) ?? [];
	if (host !== undefined && !SOCAT.test(text)) {
		return parseAddress(`tcp://${host || everywhere}:${hostPort}`);
	}
	const hint = addressHint(text);
	if (hint !== undefined) throw new UsageError(`"${text}" is no address: ${hint}`);
	throw new UsageError(
		`"${text}" is no address: write a port (8080), HOST:PORT, a path with a slash (./${text || "x"}), @NAME, ` +
			"or one with its kind, such as udp://HOST:PORT",
	);
}

/** How bytes or messages travel there: streams, connected messages, or datagrams. */
export type Manner = "stream" | "packets" | "datagrams";

/** Tells the manner of an address; undefined for `fd:` and `systemd:`, which only opening tells. */
export function mannerOf({ transport }: Address): Manner | undefined {
	switch (transport) {
		case "tcp":
		case "tcp+srv":
		case "unix":
		case "vsock":
			return "stream";
		case "unix-seqpacket":
		case "vsock-seqpacket":
			return "packets";
		case "udp":
		case "unix-dgram":
		case "vsock-dgram":
			return "datagrams";
		default:
			return undefined;
	}
}

/** Takes the one address that a command needs. */
export function onlyAddress(words: readonly string[], role: Role): Address {
	const [word, another] = words;
	if (word === undefined) throw new UsageError("an address is missing, such as 8080 or ./x.sock");
	if (another !== undefined) {
		throw new UsageError(`"${another}" is one word too many: there is one address, ${word}`);
	}
	return readAddress(word, role);
}
