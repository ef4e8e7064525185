/** The client's side of SOCKS5: RFC 1928, with the passwords of RFC 1929. */
import { InvalidValueError, ProxyError } from "../errors.ts";
import type { HostAddress } from "../socket/address.ts";
import { ipv4ToBytes, ipv6ToBytes } from "../socket/ip.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { ByteStream } from "../stream/contract.ts";
import type { ProxyCredentials } from "./proxy-address.ts";

const VERSION = 5;
const PASSWORD_VERSION = 1;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;
const COMMAND_CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
const FIELD_BYTES_MAX = 255;

// RFC 1928 section 6.
const REPLIES = [
	"succeeded",
	"general failure",
	"the proxy's rules do not allow it",
	"network unreachable",
	"host unreachable",
	"connection refused",
	"the time to live expired",
	"the proxy does not know the command",
	"the proxy does not know this kind of address",
];

/**
 * Asks the proxy at the other end of `stream` for a connection; afterwards the stream is that connection. Names are resolved by the proxy.
 *
 * @param remaining options for the next wait
 * @throws {ProxyError} the proxy refuses, or is none
 */
export async function askSocks5(
	stream: ByteStream,
	target: HostAddress,
	credentials: ProxyCredentials | undefined,
	remaining: () => WaitOptions | undefined,
): Promise<void> {
	await authenticate(stream, credentials, remaining);
	const port = Buffer.of(target.port >> 8, target.port & 0xff);
	const head = Buffer.of(VERSION, COMMAND_CONNECT, 0);
	await stream.write(Buffer.concat([head, encodeHost(target.host), port]), remaining());
	const [version, reply = 1, , kind] = await stream.readExactly(4, remaining());
	if (version !== VERSION) throw noSocks();
	if (reply !== 0) {
		throw new ProxyError("socks5", reply, REPLIES[reply] ?? "an unknown reason", target);
	}
	await stream.readExactly((await boundBytes(stream, kind, remaining)) + 2, remaining());
}

async function authenticate(
	stream: ByteStream,
	credentials: ProxyCredentials | undefined,
	remaining: () => WaitOptions | undefined,
): Promise<void> {
	const methods = credentials ? [NO_AUTHENTICATION, USER_AND_PASSWORD] : [NO_AUTHENTICATION];
	await stream.write(Buffer.of(VERSION, methods.length, ...methods), remaining());
	const [version, method] = await stream.readExactly(2, remaining());
	if (version !== VERSION) throw noSocks();
	if (method === NO_AUTHENTICATION) return;
	if (credentials === undefined || method !== USER_AND_PASSWORD) {
		const reason = credentials ? "it wants another way to authenticate" : "it wants a user name";
		throw new ProxyError("socks5", method ?? NONE_ACCEPTABLE, reason);
	}
	const fields = [field("username", credentials.username), field("password", credentials.password)];
	await stream.write(Buffer.concat([Buffer.of(PASSWORD_VERSION), ...fields]), remaining());
	const [, status] = await stream.readExactly(2, remaining());
	if (status !== 0) throw new ProxyError("socks5", status ?? 1, "user name or password are wrong");
}

function encodeHost(host: string): Buffer {
	const ipv4 = ipv4ToBytes(host);
	if (ipv4 !== undefined) return Buffer.concat([Buffer.of(IPV4), ipv4]);
	const ipv6 = ipv6ToBytes(host);
	if (ipv6 !== undefined) return Buffer.concat([Buffer.of(IPV6), ipv6]);
	return Buffer.concat([Buffer.of(NAME), field("host", host)]);
}

// Length of the address that the proxy connects from. Nobody needs it, but it has to be read.
async function boundBytes(
	stream: ByteStream,
	kind: number | undefined,
	remaining: () => WaitOptions | undefined,
): Promise<number> {
	if (kind === IPV4) return 4;
	if (kind === IPV6) return 16;
	if (kind !== NAME) throw noSocks();
	const [length = 0] = await stream.readExactly(1, remaining());
	return length;
}

function field(name: string, text: string): Buffer {
	const bytes = Buffer.from(text);
	if (bytes.length === 0 || bytes.length > FIELD_BYTES_MAX) {
		throw new InvalidValueError(name, "must have 1 to 255 bytes for SOCKS5", text);
	}
	return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function noSocks(): ProxyError {
	return new ProxyError("socks5", 0, "what answers there does not speak SOCKS5");
}
