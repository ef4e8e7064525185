/** Takes descriptors until it is killed, closes some and holds others. Argument: the address. */
import { connect, type OwnedDescriptor, type Stream } from "socketry";

const HELD_MAX = 500;
const stream = (await connect(process.argv[2] as string, { receiveDescriptors: 20 })) as Stream;
const held: OwnedDescriptor[] = [];
for await (const _ of stream) {
	for (const { descriptors } of stream.takeDescriptors()) held.push(...descriptors);
	// The first one stays, for the test waits for its end.
	while (held.length > HELD_MAX)
		held.splice(1 + Math.floor(Math.random() * HELD_MAX), 1)[0]?.close();
}
