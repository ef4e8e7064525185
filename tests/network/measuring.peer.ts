/** Answers each datagram by its length, and by "damaged" when its bytes are not all the same, from the address that it was sent to. */
import { datagrams } from "socketry";

const socket = await datagrams("udp://*:0", {
	receiveBufferBytes: 1_048_576,
	details: { destination: true },
});
process.once("SIGTERM", () => void socket.close());
console.log(socket.address.port);

for await (const { data, from, bytes, destination } of socket) {
	const isWhole = data.length === bytes && data.every((byte) => byte === data[0]);
	await socket.send(isWhole ? `${bytes}` : "damaged", from, { source: destination });
}
