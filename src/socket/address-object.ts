/** Addresses given as objects: every field checked and normalised, nothing else taken over. */
import { requireBytes, requireInteger } from "../arguments.ts";
import { InvalidAddressError, InvalidTypeError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Address, UnixAddress, UnixTransport } from "./address.ts";
import { normalizeHost } from "./host.ts";
import { checkServiceName } from "./service-name.ts";
import {
	checkAbstractName,
	checkUnixPath,
	encodeAbstractName,
	encodeUnixPath,
} from "./unix-name.ts";

export const UINT32_MAX = 0xffff_ffff;
export const DESCRIPTOR_MAX = 0x7fff_ffff;
export const PORT_MAX = 65_535;
// systemd's own limit; sd_pid_notify_with_fds(3), FDNAME.
const ACTIVATION_NAME_CHARACTERS_MAX = 255;

/** Whether a text is a number that an address can have: decimal, from 0 to `max`. */
export function isNumber(digits: string, max: number): boolean {
	return /^(?:0|[1-9]\d{0,9})$/.test(digits) && Number(digits) <= max;
}

/** An address before its fields are checked. */
type Fields = { readonly [Name in FieldName]?: unknown };
type FieldName =
	| "transport"
	| "host"
	| "port"
	| "path"
	| "abstract"
	| "bytes"
	| "cid"
	| "fd"
	| "name"
	| "service";

/**
 * Checks an address object and returns its canonical copy.
 *
 * @throws {InvalidTypeError} it is no object, or a field has the wrong type
 * @throws {InvalidAddressError} a host, path or name cannot be used
 * @throws {OutOfRangeError} a number is out of range
 */
export function checkObject(input: unknown): Address {
	if (typeof input !== "object" || input === null) {
		throw new InvalidTypeError("address", "a text such as tcp://127.0.0.1:80, or an object", input);
	}
	const fields: Fields = input;
	const { transport } = fields;
	switch (transport) {
		case "tcp":
		case "udp":
			return {
				transport,
				host: normalizeHost(fields.host, input),
				port: requireInteger("port", fields.port, 0, PORT_MAX),
			};
		case "tcp+srv":
			return { transport, service: checkServiceName(fields.service, input) };
		case "unix":
		case "unix-dgram":
		case "unix-seqpacket":
			return checkUnix(transport, fields);
		case "vsock":
		case "vsock-dgram":
		case "vsock-seqpacket":
			return {
				transport,
				cid: requireInteger("cid", fields.cid, 0, UINT32_MAX),
				port: requireInteger("port", fields.port, 0, UINT32_MAX),
			};
		case "fd":
			return { transport, fd: requireInteger("fd", fields.fd, 0, DESCRIPTOR_MAX) };
		case "systemd":
			return { transport, name: checkActivationName(fields.name, input) };
		default:
			throw noTransport(input);
	}
}

/** The error for an object that is no address. */
export function noTransport(input: unknown): InvalidTypeError {
	return new InvalidTypeError(
		"address",
		"an object whose transport is tcp, udp, tcp+srv, unix, unix-dgram, unix-seqpacket, vsock, fd or systemd",
		input,
	);
}

/** Checks a path and returns it with one leading slash for many, as Linux reads it. */
export function checkPath(path: unknown, input: unknown): string {
	// People write unix:///run/a.sock, and Linux takes any number of leading slashes for one.
	const single = typeof path === "string" ? path.replace(/^\/{2,}/, "/") : path;
	encodeUnixPath(single, input, LIMITS.socketPathBytes);
	return single as string;
}

/** Checks an abstract name and returns it. */
export function checkAbstract(name: unknown, input: unknown): string {
	encodeAbstractName(name, input);
	return name as string;
}

/** Checks the name of an inherited descriptor and returns it. */
export function checkActivationName(name: unknown, input: unknown): string {
	if (typeof name !== "string") throw new InvalidTypeError("name", "a string", name);
	if (name.length <= ACTIVATION_NAME_CHARACTERS_MAX && /^[!-9;-~]+$/.test(name)) return name;
	throw new InvalidAddressError(
		input,
		`the name must be 1 to ${ACTIVATION_NAME_CHARACTERS_MAX} printable ASCII characters ` +
			"without space and colon, as in FileDescriptorName=",
	);
}

function checkUnix(transport: UnixTransport, fields: Fields): UnixAddress {
	const hasPath = "path" in fields;
	const hasAbstract = "abstract" in fields;
	if (hasPath && hasAbstract) {
		throw new InvalidAddressError(fields, "give either path or abstract, not both");
	}
	if (!hasPath && !hasAbstract) return { transport } as UnixAddress;
	const name = fields.bytes === undefined ? checkName(fields) : checkExact(fields);
	return { transport, ...name } as UnixAddress;
}

function checkName(fields: Fields): object {
	if ("path" in fields) return { path: checkPath(fields.path, fields) };
	return { abstract: checkAbstract(fields.abstract, fields) };
}

// With bytes given, the text is only what people see.
function checkExact(fields: Fields): object {
	const bytes = requireBytes("bytes", fields.bytes).slice();
	if ("path" in fields) {
		checkUnixPath(bytes, fields, LIMITS.socketPathBytes);
		return { path: String(fields.path), bytes };
	}
	checkAbstractName(bytes, fields);
	return { abstract: String(fields.abstract), bytes };
}
