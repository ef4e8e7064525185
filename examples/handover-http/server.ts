/**
 * A web server that restarts without refusing or resetting a connection: start it a second time, or send it SIGHUP.
 *
 * Socketry accepts, so that a hand-over ends it at the right moment; each connection is then a `net.Socket` of Node's own, with its HTTP upon it.
 *
 *     node examples/handover-http/server.ts
 *     node examples/handover-http/server.ts unix-seqpacket:/tmp/web.handover tcp://127.0.0.1:8080
 */
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { formatAddress } from "socketry";
import { takeOver } from "socketry/handover";
import { attachHttp } from "socketry/node";

const DRAIN_MS = 10_000;

const [post = "unix-seqpacket:./web.handover", address = "tcp://127.0.0.1:8080"] =
	process.argv.slice(2);

const handover = await takeOver(post, { sockets: { web: address as `tcp:${string}` } });
// Here is the place for everything that can fail: the process before still serves.
const { web } = await handover.ready();
const server = createServer((_request, response) => {
	// A connection that is kept alive comes to the new process with its next request but one.
	if (web.closed) response.setHeader("Connection", "close");
	response.end(`hello from ${process.pid}\n`);
});
attachHttp(server, web);

process.on("SIGHUP", () => {
	const command = [...process.execArgv, ...process.argv.slice(1)];
	spawn(process.execPath, command, { stdio: "inherit", detached: true }).unref();
});
process.once("SIGINT", () => void handover.close());
process.once("SIGTERM", () => void handover.close());
console.log(`${process.pid} serves ${formatAddress(web.address)}`);

const successor = await handover.offer({
	onFailure: (error) => console.log(`${process.pid} goes on: ${error.reason}`),
});
console.log(`${process.pid} ${successor ? `handed over to ${successor.pid}` : "stops"}`);
web.close();
// This process ends with its last connection. Not by server.close(): it also closes idle connections, on which a request may be on its way.
setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
