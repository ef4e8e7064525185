/**
 * An echo server that restarts without losing a connection, not even those that are open: start it a second time, or send it SIGHUP.
 *
 *     node examples/handover-echo/server.ts
 *     node examples/handover-echo/server.ts unix-seqpacket:/tmp/echo.handover tcp://127.0.0.1:7000 unix:/tmp/echo.sock
 */
import { spawn } from "node:child_process";
import { ClosedError, formatAddress, type Listener, type Stream } from "socketry";
import { drain, takeOver } from "socketry/handover";

const [post = "unix-seqpacket:./echo.handover", ...given] = process.argv.slice(2);
const addresses = given.length > 0 ? given : ["tcp://127.0.0.1:7000"];
const open = new Set<Stream>();

const handover = await takeOver(post, {
	sockets: Object.fromEntries(addresses.map((each) => [each, each as `tcp:${string}`])),
	onConnection: (stream) => void echo(stream as Stream),
});
// Here is the place for everything that can fail: the process before still serves.
const listeners = Object.values(await handover.ready());
for (const listener of listeners) void serve(listener);

process.on("SIGHUP", () => {
	const command = [...process.execArgv, ...process.argv.slice(1)];
	spawn(process.execPath, command, { stdio: "inherit", detached: true }).unref();
});
process.once("SIGINT", () => void handover.close());
process.once("SIGTERM", () => void handover.close());
console.log(
	`${process.pid} serves ${listeners.map((each) => formatAddress(each.address)).join(" ")}`,
);

const successor = await handover.offer({
	connections: () => open,
	onFailure: (error) => console.log(`${process.pid} goes on: ${error.reason}`),
});
for (const listener of listeners) listener.close();
console.log(
	successor
		? `${process.pid} handed over to ${successor.pid}, with ${successor.movedCount} connections`
		: `${process.pid} stops`,
);
const aborted = await drain(open, { timeoutMs: 10_000 });
console.log(`${process.pid} ends, ${aborted} connections were cut off`);

async function serve(listener: Listener<Stream>): Promise<void> {
	for await (const stream of listener) void echo(stream);
}

async function echo(stream: Stream): Promise<void> {
	open.add(stream);
	try {
		for await (const chunk of stream) await stream.write(chunk);
		await stream.close();
	} catch (error) {
		// A connection that is handed over is closed here, and one that a client resets is over.
		if (!(error instanceof ClosedError)) stream.abort();
	} finally {
		open.delete(stream);
	}
}
