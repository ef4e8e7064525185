/** Streams both ways as fast as it goes, until the other side has had enough. Arguments: the kind, and the address as JSON. */
import { type Address, connect, datagrams, type PacketStream, type Stream } from "socketry";
import { drink, drinkDatagrams, drinkPackets, pour, pourDatagrams, pourPackets } from "./hose.ts";

const [kind = "", to = ""] = process.argv.slice(2);
const address = JSON.parse(to) as Address;

if (kind === "udp") {
	const socket = await datagrams("udp://127.0.0.1:0", { connect: address });
	console.log(JSON.stringify(socket.address));
	await Promise.all([pourDatagrams(socket), drinkDatagrams(socket)]);
} else if (kind === "unix-seqpacket") {
	const packets = (await connect(address)) as PacketStream;
	await Promise.all([pourPackets(packets), drinkPackets(packets)]);
} else {
	const stream = (await connect(address)) as Stream;
	await Promise.all([pour(stream), drink(stream)]);
}
