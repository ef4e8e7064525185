/** Asks a server at each of its addresses, and prints its answers: PORT HOST... A connected socket gets an answer from the address asked only. */
import { datagrams } from "socketry";
import { PATIENT } from "../support/patience.ts";

const [port, ...hosts] = process.argv.slice(2);
for (const host of hosts) {
	const socket = await datagrams(undefined, {
		connect: `udp://${host.includes(":") ? `[${host}]` : host}:${port}`,
	});
	await socket.send("where?");
	const { data } = await socket.receive(PATIENT);
	console.log(Buffer.from(data).toString());
	await socket.close();
}
