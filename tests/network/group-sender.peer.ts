/** Sends to groups by an interface, from each of several addresses: INTERFACE PORT SOURCES GROUPS. The last datagram says "end", from the first source. */
import { datagrams } from "socketry";

const [name = "", port = "", sources = "", groups = ""] = process.argv.slice(2);
const to = (group: string): string => `udp://${group.includes(":") ? `[${group}]` : group}:${port}`;

const senders = await Promise.all(
	sources.split(",").map(async (source) => {
		const socket = await datagrams(`udp://${source.includes(":") ? `[${source}]` : source}:0`);
		socket.multicast.setInterface(name);
		return { source, socket };
	}),
);
for (const group of groups.split(",")) {
	for (const { source, socket } of senders) {
		await socket.send(`${source} to ${group}`, to(group));
		await socket.flush();
	}
}
const [first] = senders;
for (const group of groups.split(",")) await first?.socket.send("end", to(group));
await Promise.all(senders.map(({ socket }) => socket.close()));
