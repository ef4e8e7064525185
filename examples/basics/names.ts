/** A name with several addresses: they are tried side by side, a short head start apart (RFC 8305), and whoever answers first is taken. */
import { connect, formatAddress, listen } from "socketry";

await using listener = await listen("tcp://127.0.0.1:0");
const { port } = listener.address;

// What localhost is, the system says; "::1" refuses here, then 127.0.0.1 is taken.
const stream = await connect(`tcp://localhost:${port}`, { timeoutMs: 5000 });
console.log(formatAddress(stream.peer) === `tcp://127.0.0.1:${port}`);
await stream.close();

// Nobody listens at any address: the error has all the failures.
const resolver = async (): Promise<string[]> => ["127.0.0.2", "127.0.0.3"];
try {
	await connect(`tcp://service.example:${port}`, { resolver, attemptDelayMs: 10 });
} catch (error) {
	if (!(error instanceof AggregateError)) throw error;
	for (const { code, address } of error.errors) console.log(code, address);
}
