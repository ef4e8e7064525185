/** Forgets sockets, and tells what is left of them after collections. */
import { readdirSync, readlinkSync } from "node:fs";
import { listen, socketpair } from "socketry";
import { socket } from "socketry/socket";
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

async function forget(): Promise<void> {
	// A listener keeps a second descriptor in reserve.
	await listen("tcp://127.0.0.1:0");
	socketpair();
	socket("inet", "stream");
}

const closed = socket("unix", "stream");
closed.close();
const before = openSockets();
const detached = socket("unix", "stream").detachFd();
await forget();
const forgotten = owned();
for (let i = 0; i < 10; i++) {
	collect();
	await new Promise((resolve) => setImmediate(resolve));
}
sys.close(detached);
console.log(`${forgotten} forgotten, ${owned()} owned, ${openSockets() - before} open`);
