/** One of the threads: receives and counts; what a datagram is worth is decided here. */
import { parentPort, workerData } from "node:worker_threads";
import { datagrams, formatAddress } from "socketry";

const { address, place } = workerData as { address: string; place: Float64Array };
const socket = await datagrams(address, { reusePort: true, receiveBufferBytes: 4_194_304 });
parentPort?.once("message", () => void socket.close());
parentPort?.postMessage(formatAddress(socket.address));

try {
	for (;;) {
		const batch = await socket.receiveBatch();
		place[0] = (place[0] as number) + batch.count;
	}
} catch (error) {
	if (!socket.closed) throw error;
}
