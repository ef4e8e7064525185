/**
 * Sends messages, or tells who sent them, perhaps as another user. Argument: a JSON object. It prints one line of JSON.
 */
import { connect, datagrams, socketpair } from "socketry";

/** What the child is told. */
export interface ClaimOrder {
	readonly action: "send" | "receive";
	/** `unix-seqpacket:` or `unix-dgram:`. A receiver binds the latter, and prints "ready" first. */
	readonly address: string;
	readonly uid?: number;
	/** Credentials to send a message with, each; null for the kernel's own. */
	readonly claims?: readonly (Claim | null)[];
}

/** Credentials; a pid of -1 stands for the child's own. */
export interface Claim {
	readonly pid: number;
	readonly uid: number;
	readonly gid: number;
}

const order = JSON.parse(process.argv[2] ?? "{}") as ClaimOrder;
const { address } = order;
// While the files of the package can be read.
for (const end of socketpair()) await end.close();
if (order.uid !== undefined) {
	process.setgroups?.([]);
	process.setgid?.(order.uid);
	process.setuid?.(order.uid);
}
console.log(JSON.stringify(order.action === "send" ? await send() : await receive()));

async function send(): Promise<string[]> {
	const results: string[] = [];
	const isPackets = address.startsWith("unix-seqpacket:");
	const packets = isPackets ? await connect(address as "unix-seqpacket:") : undefined;
	const socket = isPackets ? undefined : await datagrams({ transport: "unix-dgram" });
	for (const [i, claim] of (order.claims ?? []).entries()) {
		const credentials = claim && { ...claim, pid: claim.pid < 0 ? process.pid : claim.pid };
		const options = credentials === null ? {} : { credentials };
		try {
			await packets?.send(`claim ${i}`, options);
			await socket?.send(`claim ${i}`, address, options);
			results.push("sent");
		} catch (error) {
			results.push((error as { code: string }).code);
		}
	}
	await packets?.close();
	await socket?.close();
	return results;
}

async function receive(): Promise<unknown> {
	const socket = await datagrams(address, { receiveCredentials: true });
	console.log("ready");
	const { credentials } = await socket.receive();
	await socket.close();
	return credentials;
}
