/**
 * Receives metrics of StatsD and adds them up until it is interrupted, then prints them as JSON.
 *
 *     node examples/statsd/receive.ts udp://127.0.0.1:8125
 *     node examples/statsd/receive.ts unix-dgram:/run/statsd.sock
 */
import { datagrams, formatAddress, parseAddress, type WaitOptions } from "socketry";

/** What is known of one metric. */
interface Metric {
	/** c: counter, g: gauge, ms: timing, h: histogram, s: set. */
	readonly type: string;
	count: number;
	/** Of counters with their sample rate taken into account; the last value of gauges. */
	value: number;
	/** The different values of a set. */
	readonly members: Set<string>;
}

// NAME:VALUE|TYPE, then perhaps |@SAMPLE_RATE and |#TAG,TAG; one or more lines in a datagram.
const LINE = /^([^:|]+):([^|]+)\|(c|g|ms|h|s)(?:\|@([0-9.]+))?(?:\|#.*)?$/;

const address = parseAddress(process.argv[2] ?? "udp://127.0.0.1:8125");
const socket = await datagrams(address, {
	receiveBufferBytes: 1_048_576,
	// A Unix socket misses nothing: who sends waits, or is told.
	details: address.transport === "udp" ? { missedCount: true } : {},
});
const metrics = new Map<string, Metric>();
let malformed = 0;
let missed = 0;

const stopping = new AbortController();
process.once("SIGINT", () => stopping.abort());
process.once("SIGTERM", () => stopping.abort());
console.log(`receiving on ${formatAddress(socket.address)}`);

await receiveAll({ signal: stopping.signal });
// What has arrived by now counts too.
await receiveAll({ timeoutMs: 0 });
await socket.close();
const shown = [...metrics].map(([name, { members, ...rest }]) => [
	name,
	members.size > 0 ? { ...rest, members: members.size } : rest,
]);
console.log(JSON.stringify({ metrics: Object.fromEntries(shown), malformed, missed }));

/** Returns when the waiting ends. */
async function receiveAll(wait: WaitOptions): Promise<void> {
	for (;;) {
		const arrived = await socket.receive(wait).catch(() => undefined);
		if (arrived === undefined) return;
		const { data, missedCount } = arrived;
		missed = missedCount ?? missed;
		const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString();
		for (const line of text.split("\n")) if (line !== "" && !add(line)) malformed++;
	}
}

function add(line: string): boolean {
	const [, name = "", text = "", type = "", rate = "1"] = LINE.exec(line) ?? [];
	const value = Number(text);
	if (name === "" || (type !== "s" && Number.isNaN(value))) return false;
	const metric = metrics.get(name) ?? { type, count: 0, value: 0, members: new Set() };
	metrics.set(name, metric);
	metric.count++;
	if (type === "s") metric.members.add(text);
	else if (type === "g" && !/^[+-]/.test(text)) metric.value = value;
	else metric.value += type === "c" ? value / Number(rate) : value;
	return true;
}
