/**
 * A bad line between two hosts: passes the datagrams of each on to the other, later, and not all of them. Whole networks can lead through it, and
 * TCP with them, as a tunnel of VXLAN; see ip-link(8).
 *
 *     node examples/game/line.ts udp://0.0.0.0:4789 udp://10.0.1.1:4789 udp://10.0.2.1:4789 25 0.02
 */
import { datagrams, formatAddress, parseAddress } from "socketry";

const [address = "", left = "", right = "", delayMs = "25", loss = "0.02"] = process.argv.slice(2);
const hostOf = (text: string): string => (parseAddress(text) as { host: string }).host;
const hosts = { left: hostOf(left), right: hostOf(right) };
const socket = await datagrams(address, { onFull: "drop", receiveBufferBytes: 4_194_304 });
process.once("SIGINT", () => void socket.close());
process.once("SIGTERM", () => void socket.close());
console.log(`a line of ${delayMs} ms at ${formatAddress(socket.address)}`);

// In the order in which they came, which is that in which they are due.
let waiting: { readonly data: Uint8Array; readonly to: string; readonly dueMs: number }[] = [];
let lost = 0;

setInterval(() => {
	const nowMs = performance.now();
	const kept = waiting.findIndex(({ dueMs }) => dueMs > nowMs);
	const due = waiting.splice(0, kept < 0 ? waiting.length : kept);
	for (const { data, to } of due) void socket.send(data, to).catch(() => undefined);
}, 1).unref();

for await (const { data, from } of socket) {
	const host = "host" in from ? from.host : "";
	if (host !== hosts.left && host !== hosts.right) continue;
	if (Math.random() < Number(loss)) lost++;
	else {
		const dueMs = performance.now() + Number(delayMs);
		waiting.push({ data, to: host === hosts.left ? right : left, dueMs });
	}
}
waiting = [];
console.log(JSON.stringify({ passed: socket.sentCount, lost }));
