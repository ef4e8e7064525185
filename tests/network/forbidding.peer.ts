/** Sends to a server behind a narrower path from one socket, forbidding fragments for some datagrams; prints what happened as JSON: HOST PORT. */
import { datagrams, type SendOptions } from "socketry";
import { PATIENCE_MS } from "../support/patience.ts";

const [host = "", port = ""] = process.argv.slice(2);
/** For the one that gets lost: the first beyond the width of the path that must not be cut, and routers cut nothing of IPv6. */
const LOST_MS = 700;
const lost = host.includes(":") ? 0 : 1;
const STRIDE = 1_400;
let asked = 0;

const socket = await datagrams(undefined, {
	connect: `udp://${host}:${port}`,
	mtuDiscovery: "dont",
});

/** Whether the server got a datagram of so many bytes, whole; the code of the failure when it could not be sent. */
async function arrives(bytes: number, options?: SendOptions): Promise<boolean | string> {
	const timeoutMs = asked++ === lost ? LOST_MS : PATIENCE_MS;
	try {
		await socket.send(Buffer.alloc(bytes, bytes), undefined, options);
		await socket.flush();
	} catch (error) {
		return (error as { code: string }).code;
	}
	try {
		const { data } = await socket.receive({ timeoutMs });
		return Buffer.from(data).toString() === `${bytes}`;
	} catch {
		// Time is up, or what the router says came while the option was set and is told here.
		return false;
	}
}

const whole: SendOptions = { dontFragment: true };
const result = [
	await arrives(STRIDE),
	await arrives(STRIDE, whole),
	await arrives(STRIDE, whole),
	await arrives(1_000, whole),
	await arrives(STRIDE),
];
await socket.close();
console.log(JSON.stringify(result));
