/** `connectThrough`: a connection by way of a proxy. */
import { requireObject } from "../arguments.ts";
import { InvalidAddressError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { CONNECT_CHECKS, type ConnectOptions, connect } from "../open/connect.ts";
import { type Address, type HostAddress, parseAddress } from "../socket/address.ts";
import { countDown } from "../socket/wait.ts";
import { Stream } from "../stream/stream.ts";
import { askHttp } from "./http-connect.ts";
import { type ProxyAddress, parseProxy } from "./proxy-address.ts";
import { askSocks5 } from "./socks5.ts";

/**
 * Connects to a TCP address by way of a proxy, which also resolves its name: what it is called is not told to anybody else. Nothing is read beyond
 * the proxy's answer, so that the stream can be detached, or passed on, as any other.
 *
 * @param proxy `socks5://user:password@host:1080`, `http://host:3128`, or an object for a proxy on a Unix socket
 * @param target a `tcp:` address
 * @param options those of `connect`, for the connection to the proxy; the time limit is for all of it. Without one, the proxy has 60000 ms to answer
 * @throws {ProxyError} the proxy refuses, or what answers is none
 * @throws {InvalidAddressError} the proxy or the target is malformed
 * @throws as `connect`; nothing stays open
 * @see RFC 1928, RFC 1929; RFC 9110 section 9.3.6
 */
export async function connectThrough(
	proxy: string | ProxyAddress,
	target: string | Address,
	options: ConnectOptions = {},
): Promise<Stream> {
	const { protocol, address, credentials } = parseProxy(proxy);
	const wanted = requireTcp(target);
	requireObject("options", options);
	const limited = options.timeoutMs === undefined ? undefined : countDown(options, CONNECT_CHECKS);
	const stream = await connect(address, options);
	if (!(stream instanceof Stream)) {
		stream.abort();
		throw new InvalidAddressError(address, "a proxy is reached by a stream: tcp: or unix:");
	}
	const { signal, timeoutMs = LIMITS.handshakeMs } = options;
	try {
		const remaining = limited ?? countDown({ signal, timeoutMs });
		const ask = protocol === "socks5" ? askSocks5 : askHttp;
		await ask(stream, wanted, credentials, remaining);
		return stream;
	} catch (error) {
		stream.abort();
		if (!(error instanceof TimeoutError)) throw error;
		throw new TimeoutError(timeoutMs, 0, "Connecting through the proxy");
	}
}

function requireTcp(target: string | Address): HostAddress {
	const address = parseAddress(target);
	if (address.transport === "tcp" && address.host !== "*") return address;
	throw new InvalidAddressError(target, "a proxy connects to tcp:// addresses with a host");
}
