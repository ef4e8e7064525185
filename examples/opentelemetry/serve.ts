/**
 * An echo server that is observed. Without an SDK nothing is exported; with one it is, and nothing else changes:
 *
 *     node --import ./your-opentelemetry-setup.js examples/opentelemetry/serve.ts tcp://127.0.0.1:7000
 */
import { metrics, trace } from "@opentelemetry/api";
import { formatAddress, listen, type Stream } from "socketry";
import { bridge } from "./bridge.ts";

bridge(metrics.getMeter("socketry"), trace.getTracer("socketry"));
const stopping = new AbortController();
process.once("SIGINT", () => stopping.abort());
process.once("SIGTERM", () => stopping.abort());
const address = (process.argv[2] ?? "tcp://127.0.0.1:7000") as `tcp:${string}`;
const listener = await listen(address, { signal: stopping.signal });
console.log(formatAddress(listener.address));
for await (const stream of listener) void echo(stream).catch(() => stream.abort());

async function echo(stream: Stream): Promise<void> {
	for await (const chunk of stream) await stream.write(chunk);
	await stream.close();
}
