/** `--proxy-protocol-in`: whose connections begin with a header that tells who really calls. */
import { BlockList, isIP, isIPv6 } from "node:net";
import type { Address } from "../index.ts";
import { UsageError } from "./exit-code.ts";

/** Whether a peer is a proxy of ours. */
export type Trust = (peer: Address) => boolean;

const BITS = /^\d{1,3}$/;

/**
 * Reads a list of addresses and networks, such as `127.0.0.1,10.0.0.0/8,fd00::/8`; `unix` stands for whoever may connect to a Unix socket, `any` for all.
 *
 * @throws {UsageError} it is no such list
 */
export function readTrust(text: string): Trust {
	const networks = new BlockList();
	const words = text.split(",").filter((word) => word !== "any" && word !== "unix");
	for (const word of words) addNetwork(networks, word);
	const trustsAll = text.split(",").includes("any");
	const trustsUnix = text.split(",").includes("unix");
	return (peer) => {
		if (trustsAll) return true;
		if (!("host" in peer)) return trustsUnix && peer.transport.startsWith("unix");
		const host = peer.host.replace(/%.*$/, "");
		return networks.check(host, isIPv6(host) ? "ipv6" : "ipv4");
	};
}

function addNetwork(networks: BlockList, word: string): void {
	const [network = "", bits, more] = word.split("/");
	const family = isIP(network);
	const bitsMax = family === 6 ? 128 : 32;
	const isKnown = bits === undefined || (BITS.test(bits) && Number(bits) <= bitsMax);
	if (family === 0 || !isKnown || more !== undefined) {
		throw new UsageError(
			`--proxy-protocol-in names your proxies, such as 127.0.0.1 or 10.0.0.0/8, or "unix" or "any", not "${word}"`,
		);
	}
	networks.addSubnet(network, bits === undefined ? bitsMax : Number(bits), `ipv${family as 4 | 6}`);
}
