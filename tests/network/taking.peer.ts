/** Takes whatever comes over TCP, to its end; prints its port. */
import { listen } from "socketry";

const listener = await listen("tcp://*:0");
process.once("SIGTERM", () => listener.close());
console.log(listener.address.port);

for await (const stream of listener) {
	let chunk = await stream.read().catch(() => null);
	while (chunk !== null) chunk = await stream.read().catch(() => null);
	stream.abort();
}
