/** A worker: serves the connections that come over descriptor 3, and says when some have ended. Ends with the acceptor. */
import { adopt, connect, type PacketStream, type Stream } from "socketry";
import { answer } from "./answer.ts";

const index = Number(process.argv[2] ?? 0);
const channel = (await connect("fd:3", { receiveDescriptors: true })) as PacketStream;
let ended = 0;

try {
	for (;;) {
		const message = await channel.receiveMessage();
		if (message === null) break;
		for (const each of message.descriptors) void serve(adopt(each, { kind: "stream" }));
	}
} catch {
	// The acceptor has died.
}
process.exit();

async function serve(stream: Stream): Promise<void> {
	await answer(stream, index);
	// One message for all that end in the same turn.
	if (ended++ === 0) setImmediate(report);
}

function report(): void {
	const count = ended;
	ended = 0;
	// When it fails, the acceptor has gone, and the loop above ends.
	channel.send(String(count)).catch(() => {});
}
