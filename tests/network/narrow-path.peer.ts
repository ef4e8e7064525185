/** Sends to a server behind a path that is narrower than the own network, and prints what happened as JSON: HOST PORT. */
import { type Datagrams, datagrams, type NetworkError, type OpenDatagramsOptions } from "socketry";
import { PATIENCE_MS, PATIENT } from "../support/patience.ts";

const [host = "", port = ""] = process.argv.slice(2);
/** Longer than any answer takes here; for datagrams that may get lost. */
const LOST_MS = 700;
const STRIDE = 1_400;
const COUNT = 50;

const errors: NetworkError[] = [];

function open(options: OpenDatagramsOptions = {}): Promise<Datagrams> {
	return datagrams(undefined, { connect: `udp://${host}:${port}`, ...options });
}

/** What the server says about a datagram of so many bytes, or why there is no answer. */
async function ask(socket: Datagrams, bytes: number, timeoutMs = PATIENCE_MS): Promise<string> {
	try {
		await socket.send(Buffer.alloc(bytes, bytes));
		await socket.flush();
		const { data } = await socket.receive({ timeoutMs });
		return Buffer.from(data).toString();
	} catch (error) {
		return (error as { code: string }).code;
	}
}

const unaware = await open({ mtuDiscovery: "dont" });
const result: Record<string, unknown> = {
	unaware: await ask(unaware, STRIDE, host.includes(":") ? LOST_MS : PATIENCE_MS),
};
result["pathMtuBefore"] = unaware.pathMtu;
await unaware.close();

const strict = await open({ mtuDiscovery: "do", onNetworkError: (error) => errors.push(error) });
result["strict"] = [
	await ask(strict, STRIDE, LOST_MS),
	await ask(strict, STRIDE),
	await ask(strict, 1_000),
];
result["pathMtu"] = strict.pathMtu;
await strict.close();
result["errors"] = errors.map(({ kind, origin, mtu, code }) => [kind, origin, mtu, code]);

// Now that the path is known, the kernel cuts what exceeds it, and every datagram arrives whole: by itself, and as a run for it to segment.
const usual = await open();
result["usual"] = [await ask(usual, STRIDE), await ask(usual, 4_000), await ask(usual, 1_000)];
result["runs"] = [];
for (const stride of [1_000, STRIDE, 4_000]) {
	await usual.sendBatch(Buffer.alloc(COUNT * stride, 1), stride);
	for (let i = 0; i < COUNT; i++) await usual.send(Buffer.alloc(stride, 2));
	await usual.flush();
	let whole = 0;
	for (let i = 0; i < 2 * COUNT; i++) {
		const { data } = await usual.receive(PATIENT);
		if (Buffer.from(data).toString() === `${stride}`) whole++;
	}
	(result["runs"] as number[]).push(whole);
}
await usual.close();
console.log(JSON.stringify(result));
