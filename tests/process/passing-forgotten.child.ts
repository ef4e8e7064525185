/** Forgets descriptors that came along, taken and not taken, and tells what is left of them after collections. */
import { socketpair } from "socketry";
import { collectOwned, openSockets, owned } from "../support/collections.ts";

async function forget(): Promise<number> {
	const [left, right] = socketpair("stream", { receiveDescriptors: true });
	await left.write("x", { descriptors: [left, left, right] });
	await right.read();
	const [arrival] = right.takeDescriptors();
	await left.write("y", { descriptors: [left, left, right] });
	await right.read();
	return (arrival?.descriptors.length ?? 0) + 3;
}

const before = openSockets();
const arrived = await forget();
await collectOwned();
console.log(`${arrived} arrived, ${owned()} owned, ${openSockets() - before} open`);
