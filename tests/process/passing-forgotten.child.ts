/** Forgets descriptors that came along, taken and not taken, and tells what is left of them after collections. */
import { readdirSync, readlinkSync } from "node:fs";
import { socketpair } from "socketry";
import { sys } from "socketry/sys";

const collect = globalThis.gc as () => void;

function owned(): number {
	sys.engineLedger();
	return sys.out[2] as number;
}

function openSockets(): number {
	let count = 0;
	for (const fd of readdirSync("/proc/self/fd")) {
		try {
			if (readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:")) count++;
		} catch {
			// The folder's own descriptor.
		}
	}
	return count;
}

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
for (let i = 0; i < 10; i++) {
	collect();
	await new Promise((resolve) => setImmediate(resolve));
}
console.log(`${arrived} arrived, ${owned()} owned, ${openSockets() - before} open`);
