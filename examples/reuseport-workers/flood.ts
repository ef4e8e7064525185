/** A thread that sends from many sockets, as many clients would, until it is told to stop; says then how much it was. */
import { parentPort, workerData } from "node:worker_threads";
import { type Datagrams, datagrams } from "socketry";

/** Datagrams of one sender in a row. */
const RUN = 32;

const { address, senders, bytes } = workerData as {
	address: string;
	senders: number;
	bytes: number;
};
const sockets: Datagrams[] = [];
for (let i = 0; i < senders; i++) sockets.push(await datagrams(undefined, { connect: address }));
const data = new Uint8Array(RUN * bytes);
let isOver = false;
parentPort?.once("message", () => {
	isOver = true;
});
parentPort?.postMessage("ready");

while (!isOver) {
	for (const socket of sockets) await socket.sendBatch(data, bytes);
	// Messages come between turns of the loop only.
	await new Promise((resolve) => setImmediate(resolve));
}
const sent = sockets.reduce((sum, socket) => sum + socket.sentCount, 0);
for (const socket of sockets) await socket.close();
parentPort?.postMessage(sent);
