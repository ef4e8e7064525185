/** Another process, perhaps of another user or in another network namespace: `list` prints what it sees, `hold` opens a listener and waits. */
import { listen } from "socketry";
import { listSockets } from "socketry/list";

const [action, address = ""] = process.argv.slice(2);
if (action === "list") {
	process.stdout.write(`${JSON.stringify(await listSockets())}\n`);
} else {
	const listener = await listen(address);
	process.stdout.write(`${JSON.stringify(listener.address)}\n`);
	process.once("SIGTERM", () => void listener.close());
	for await (const stream of listener) stream.abort();
}
