/** Echoes what comes on every connection, until it is told to end. Argument: the address. Its last line tells what it has seen, as JSON. */
import { type Listener, listen, type Stream } from "socketry";

const [address = ""] = process.argv.slice(2);
let held = 0;
let most = 0;
let failures = 0;
const listener = (await listen(address, { backlog: 4_096 })) as Listener<Stream>;
const before = process.memoryUsage().rss;

process.on("SIGTERM", () => {
	const { acceptedCount, refusedCount } = listener;
	const grownBytes = process.memoryUsage().rss - before;
	console.log(JSON.stringify({ acceptedCount, refusedCount, most, held, failures, grownBytes }));
	listener.close();
	// Its handler would keep the process alive.
	process.removeAllListeners("SIGTERM");
});
console.log(JSON.stringify(listener.address));
for await (const stream of listener) void echo(stream);

async function echo(stream: Stream): Promise<void> {
	most = Math.max(most, ++held);
	try {
		for await (const chunk of stream) await stream.write(chunk);
		await stream.close();
	} catch {
		failures++;
		stream.abort();
	}
	held--;
}
