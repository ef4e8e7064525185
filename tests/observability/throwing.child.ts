/** Subscribers that throw: says what became of the sockets, and how often the process heard of it. */
import { subscribe } from "node:diagnostics_channel";
import { connect, listen } from "socketry";
import { refusingTcpPort } from "../support/own-addresses.ts";

let uncaught = 0;
process.on("uncaughtException", ({ message }) => {
	if (message === "a subscriber's mistake") uncaught++;
	else throw new Error("another mistake");
});
for (const event of ["opened", "connected", "accepted", "closed", "error", "dropped"]) {
	subscribe(`socketry:${event}`, () => {
		throw new Error("a subscriber's mistake");
	});
}

const listener = await listen("tcp://127.0.0.1:0");
const address = listener.address;
const [client, server] = await Promise.all([connect(address), listener.accept()]);
await client.write("hello");
const said = String(await server.readExactly(5));
await Promise.all([client.close(), server.close()]);
listener.close();
const refusing = refusingTcpPort();
await connect(`tcp://127.0.0.1:${refusing.port}`).catch(() => {});
refusing[Symbol.dispose]();
setImmediate(() => console.log(`${said} ${uncaught}`));
