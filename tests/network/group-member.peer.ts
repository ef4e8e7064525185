/**
 * Joins groups, and says what each member got until it is told to go: INTERFACE MEMBER..., a member being GROUPS|SOURCES, each of them
 * divided by commas. All members have the same port.
 */
import { type Datagrams, datagrams } from "socketry";

const [name = "", ...members] = process.argv.slice(2);
const sockets: Datagrams[] = [];
const heard: string[][] = [];
let port = 0;

for (const member of members) {
	const [groups = "", sources = ""] = member.split("|");
	const family = groups.includes(":") ? "udp://[::]" : "udp://0.0.0.0";
	const socket = await datagrams(`${family}:${port}`, { reuseAddress: true });
	for (const group of groups.split(",")) {
		if (sources === "") socket.multicast.join(group, { interface: name });
		for (const source of sources.split(",").filter(Boolean)) {
			socket.multicast.join(group, { interface: name, source });
		}
	}
	({ port } = socket.address);
	sockets.push(socket);
}
process.once("SIGTERM", () => {
	for (const socket of sockets) void socket.close();
});
console.log(port);

await Promise.all(
	sockets.map(async (socket, i) => {
		const texts: string[] = [];
		heard[i] = texts;
		for await (const { data } of socket) {
			const text = Buffer.from(data).toString();
			texts.push(text);
			// The last one to everybody: all before it are there.
			if (text === "end") console.log(`member ${i} has all`);
		}
	}),
);
console.log(JSON.stringify(heard));
