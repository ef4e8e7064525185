/**
 * Another process, perhaps of another user or in another network namespace: `list` prints what it sees; `talk` opens a listener and a connection to
 * it, prints the listener's address, and waits.
 */
import { connect, formatAddress, listen } from "socketry";
import { listSockets } from "socketry/list";

const [action, address = ""] = process.argv.slice(2);
if (action === "list") {
	process.stdout.write(`${JSON.stringify(await listSockets())}\n`);
} else {
	const listener = await listen(address);
	const client = await connect(formatAddress(listener.address));
	const server = await listener.accept();
	process.once("SIGTERM", () => {
		client.abort();
		server.abort();
		listener.close();
	});
	process.stdout.write(`${JSON.stringify(listener.address)}\n`);
	for await (const stream of listener) stream.abort();
}
