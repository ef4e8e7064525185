/** Takes messages with descriptors until it is killed, closes some of these and holds others. Arguments: the address, and who is told first. */
import { connect, datagrams, type OwnedDescriptor, type PacketStream } from "socketry";

const HELD_MAX = 300;
const [address = "", parent = ""] = process.argv.slice(2);
const options = { receiveDescriptors: 20 };
const held: OwnedDescriptor[] = [];

function hold(descriptors: readonly OwnedDescriptor[]): void {
	held.push(...descriptors);
	// The first one stays, for the test waits for its end.
	while (held.length > HELD_MAX) {
		held.splice(1 + Math.floor(Math.random() * HELD_MAX), 1)[0]?.close();
	}
}

if (parent === "") {
	const packets = (await connect(address, options)) as PacketStream;
	for (let message = await packets.receiveMessage(); message !== null; ) {
		hold(message.descriptors);
		message = await packets.receiveMessage();
	}
} else {
	const socket = await datagrams(address, options);
	await socket.send("ready", parent);
	for await (const { descriptors = [] } of socket) hold(descriptors);
}
