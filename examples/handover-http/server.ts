/**
 * A web server that restarts without refusing or resetting a connection: start it a second time, or send it SIGHUP.
 *
 * The HTTP is Node's own, and so is accepting: Node gets a duplicate of the listening descriptor, so that each request takes exactly the path that it
 * takes without hand-over. What Socketry holds is only handed on.
 *
 *     node examples/handover-http/server.ts
 *     node examples/handover-http/server.ts unix-seqpacket:/tmp/web.handover tcp://127.0.0.1:8080
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "node:net";
import { formatAddress } from "socketry";
import { takeOver } from "socketry/handover";
import { sys } from "socketry/sys";

const DRAIN_MS = 10_000;

const [post = "unix-seqpacket:./web.handover", address = "tcp://127.0.0.1:8080"] =
	process.argv.slice(2);
let isLeaving = false;

const server = createServer((_request, response) => {
	// A connection that is kept alive goes to the new process with its next request but one.
	if (isLeaving) response.setHeader("Connection", "close");
	response.end(`hello from ${process.pid}\n`);
});

const handover = await takeOver(post, { sockets: { web: address as `tcp:${string}` } });
// Here is the place for everything that can fail: the process before still serves.
const { web } = await handover.ready();
server.listen({ fd: sys.dup(web.socket.fd) });
await once(server, "listening");

process.on("SIGHUP", () => {
	const command = [...process.execArgv, ...process.argv.slice(1)];
	spawn(process.execPath, command, { stdio: "inherit", detached: true }).unref();
});
process.once("SIGTERM", () => void handover.close());
console.log(`${process.pid} serves ${formatAddress(web.address)}`);

const successor = await handover.offer({
	onFailure: (error) => console.log(`${process.pid} goes on: ${error.reason}`),
});
console.log(`${process.pid} ${successor ? `handed over to ${successor.pid}` : "stops"}`);
web.close();
leave();
await once(server, "close");
console.log(`${process.pid} ends`);

/** Accepts no more, and lets the connections end. */
function leave(): void {
	isLeaving = true;
	// Not http.Server.close(): that also closes idle connections, on which a request may be on its way at this moment.
	Server.prototype.close.call(server);
	setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
}
