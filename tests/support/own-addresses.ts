/** Addresses that no other process of this machine uses meanwhile, be it a test that runs at the same time. */
import { randomInt } from "node:crypto";
import { socket } from "socketry/socket";

/** A port that answers with a refusal until it is disposed of. */
export interface RefusingPort extends Disposable {
	readonly port: number;
}

/**
 * A TCP port at which every address of this machine refuses connections. It is held by a socket that does not listen: one that was closed could
 * be somebody else's at once.
 */
export function refusingTcpPort(): RefusingPort {
	const holder = socket("inet6", "stream");
	// Both families.
	holder.setOption("IPV6_V6ONLY", false);
	holder.bind({ family: "inet6", host: "::", port: 0 });
	const { port } = holder.getsockname() as { port: number };
	return { port, [Symbol.dispose]: () => holder.close() };
}

/**
 * A UDP port at which datagrams are refused. It is held by a socket that is connected to itself, and so takes nothing of others; who wants to receive
 * there needs `reuseAddress`.
 */
export function refusingUdpPort(host: "127.0.0.1" | "::1" = "127.0.0.1"): RefusingPort {
	const holder = socket(host === "::1" ? "inet6" : "inet", "dgram");
	holder.setOption("SO_REUSEADDR", true);
	holder.bind({ family: holder.family as "inet", host, port: 0 });
	const address = holder.getsockname();
	holder.connectSync(address);
	const { port } = address as { port: number };
	return { port, [Symbol.dispose]: () => holder.close() };
}

/** Two neighbouring addresses of the loopback interface, which nobody else chooses. */
export function ownLoopbackHosts(): [string, string] {
	const start = `127.${randomInt(1, 255)}.${randomInt(255)}`;
	const last = randomInt(1, 254);
	return [`${start}.${last}`, `${start}.${last + 1}`];
}
