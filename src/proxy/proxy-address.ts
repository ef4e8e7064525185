/** Where a proxy is, what it speaks and who we are to it. */
import { InvalidAddressError } from "../errors.ts";
import { type Address, parseAddress } from "../socket/address.ts";

/** User name and password for a proxy. */
export interface ProxyCredentials {
	readonly username: string;
	readonly password: string;
}

/** A proxy, as an object. */
export interface ProxyAddress {
	/** SOCKS5 of RFC 1928, or CONNECT of HTTP. */
	readonly protocol: "socks5" | "http";
	/** Where it listens: TCP or a Unix path. */
	readonly address: string | Address;
	/** Default: none are shown. */
	readonly credentials?: ProxyCredentials | undefined;
}

// socks5h is how curl says that the proxy resolves names, which is what ours always do.
const PROTOCOLS: Readonly<Record<string, readonly [ProxyAddress["protocol"], number]>> = {
	"socks5:": ["socks5", 1080],
	"socks5h:": ["socks5", 1080],
	"http:": ["http", 80],
};

/**
 * Reads `socks5://user:password@host:1080` or `http://user:password@host:3128`; objects are checked. `connectThrough` does so itself: this is for
 * programs that want to know at their start.
 *
 * @throws {InvalidAddressError} it is neither; the message does not repeat a password
 */
export function parseProxy(proxy: string | ProxyAddress): Required<ProxyAddress> {
	if (typeof proxy !== "string") {
		if (proxy?.protocol !== "socks5" && proxy?.protocol !== "http") {
			throw new InvalidAddressError(proxy, 'protocol must be "socks5" or "http"');
		}
		const address = parseAddress(proxy.address);
		return { protocol: proxy.protocol, address, credentials: proxy.credentials };
	}
	const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
	const known = url && PROTOCOLS[url.protocol];
	if (url === undefined || known === undefined || url.hostname === "" || hasMore(url)) {
		throw malformed(proxy, "write socks5://host:port or http://host:port");
	}
	const [protocol, defaultPort] = known;
	const port = url.port === "" ? defaultPort : Number(url.port);
	const address: Address = parseAddress(`tcp://${url.hostname}:${port}`);
	if (url.username === "") return { protocol, address, credentials: undefined };
	try {
		const [username = "", password = ""] = [url.username, url.password].map(decodeURIComponent);
		return { protocol, address, credentials: { username, password } };
	} catch {
		throw malformed(proxy, "write a percent sign in the user name or password as %25");
	}
}

// A proxy has no path. Most likely it is the rest of a password whose slash was not escaped, and the host is none.
function hasMore({ pathname, search, hash }: URL): boolean {
	return (pathname !== "" && pathname !== "/") || search !== "" || hash !== "";
}

// A password may have any character, also unescaped by mistake.
function malformed(proxy: string, advice: string): InvalidAddressError {
	return new InvalidAddressError(proxy.replace(/\/\/.*@/s, "//***@"), advice);
}
