// The subject `socketry-batch`: datagrams by receiveBatch and sendBatch, which make no object and no promise for each.
import { datagrams } from "socketry";
import { DATAGRAM_MARGIN_MS, sendUntil, Window } from "./measure.mjs";
import { handlers } from "./socketry-datagrams.mjs";
import { announceAt } from "./socketry-options.mjs";
import { play, report } from "./task.mjs";

const BATCH = 1024;
const MARKERS = 5;

async function receive(task) {
	const socket = await datagrams(task.address, { receiveBufferBytes: task.receiveBuffer });
	announceAt(task, socket.address);
	const window = new Window(task);
	for (;;) {
		const batch = await socket.receiveBatch();
		if (batch.length(batch.count - 1) === 1) break;
		window.add(batch.count);
	}
	report(window.figures());
}

async function send(task) {
	// A batch has one destination.
	if (task.peers !== undefined) return handlers["client datagrams"](task);
	const socket = await datagrams(undefined, { connect: task.address });
	const messages = Buffer.alloc(task.size * BATCH);
	const end = sendUntil(task, DATAGRAM_MARGIN_MS);
	while (performance.now() < end) await socket.sendBatch(messages, task.size);
	const sent = socket.sentCount;
	for (let i = 0; i < MARKERS; i++) {
		await new Promise((resolve) => setTimeout(resolve, 5));
		// The receiver has gone when it got the marker before.
		await socket.send(Buffer.alloc(1)).catch(() => {});
	}
	report({ sent });
}

await play({ "server datagrams": receive, "client datagrams": send });
