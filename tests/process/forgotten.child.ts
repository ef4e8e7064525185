/** Forgets sockets, and tells what is left of them after collections. */
import { listen, socketpair } from "socketry";
import { socket } from "socketry/socket";
import { sys } from "socketry/sys";
import { collectOwned, openSockets, owned } from "../support/collections.ts";

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
await collectOwned();
sys.close(detached);
console.log(`${forgotten} forgotten, ${owned()} owned, ${openSockets() - before} open`);
