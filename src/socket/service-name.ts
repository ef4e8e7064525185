/** Names of services: `_pg._tcp.example`, whose SRV records tell the hosts and ports that serve them; RFC 2782. */
import { InvalidAddressError, InvalidTypeError } from "../errors.ts";
import { normalizeHost } from "./host.ts";

const FORM = "write _SERVICE._tcp.DOMAIN, as in tcp+srv://_pg._tcp.example.org";

/**
 * Returns the name in canonical form, which is in lower case.
 *
 * @param input what an error quotes
 * @throws {InvalidTypeError} the name is no string
 * @throws {InvalidAddressError} it is no name of a service over a protocol with connections
 */
export function checkServiceName(name: unknown, input: unknown): string {
	if (typeof name !== "string") throw new InvalidTypeError("service", "a string", name);
	if (/:\d*$/.test(name)) {
		throw new InvalidAddressError(input, `the SRV records tell the port; leave ":PORT" out`);
	}
	const [service, protocol, domain] = name.split(".", 3);
	if (!isMarked(service) || !isMarked(protocol) || !domain) {
		throw new InvalidAddressError(input, `it is no name of a service; ${FORM}`);
	}
	if (protocol.toLowerCase() === "_udp") {
		throw new InvalidAddressError(input, "a service over _udp has no connections");
	}
	return normalizeHost(name, input);
}

/** The domain that a service is of: what its servers are certified for, rather than the names in its records, which anybody may forge; RFC 6125. */
export function serviceDomain(service: string): string {
	return service.split(".").slice(2).join(".").replace(/\.$/, "");
}

function isMarked(label: string | undefined): label is string {
	return label !== undefined && /^_./.test(label);
}
