/** Answers each datagram by where it was sent to, from there. */
import { datagrams } from "socketry";

const socket = await datagrams("udp://*:0", { details: { destination: true } });
process.once("SIGTERM", () => void socket.close());
console.log(socket.address.port);

for await (const { from, destination } of socket) {
	await socket.send(destination?.host ?? "unknown", from, { source: destination });
}
