/** Takes descriptors, looks at some, and closes all; tells how many came, and what is left. Argument: the address. */
import { connect, type Stream } from "socketry";
import { findLeaks, openResources } from "socketry/testing";

const stream = (await connect(process.argv[2] as string, { receiveDescriptors: 253 })) as Stream;
const before = openResources();
let arrived = 0;
for await (const _ of stream) {
	for (const { descriptors } of stream.takeDescriptors()) {
		if (descriptors[0]?.kind !== "character-device") throw new Error("another file came");
		for (const each of descriptors) each.close();
		arrived += descriptors.length;
	}
}
// The stream itself is still watched.
const leaks = findLeaks(before).filter((leak) => !/watches|handles/.test(leak));
await stream.write(`${JSON.stringify({ arrived, leaks })}\n`);
await stream.close();
