/** Listens on paths when it is told to, all at the same time as its rivals. Argument: the abstract name of who tells. */
import { connect, type Listener, listen, type Stream } from "socketry";

const [abstract = ""] = process.argv.slice(2);
const control = await connect({ transport: "unix", abstract });
let owned: Listener<Stream> | undefined;

for (;;) {
	const line = await control.readUntil("\n");
	if (line === null) break;
	const [command, path] = String(line).trim().split(" ");
	if (command === "start") await control.write(`${await start(path as string)}\n`);
	else if (command === "stop") {
		owned?.close();
		owned = undefined;
		await control.write("stopped\n");
	} else break;
}
await control.close();

async function start(path: string): Promise<string> {
	try {
		owned = await listen(`unix:${path}`, { onStale: "replace-dead" });
	} catch (error) {
		return (error as { code: string }).code;
	}
	void tellAsked(owned);
	return "owner";
}

async function tellAsked(listener: Listener<Stream>): Promise<void> {
	for await (const client of listener) {
		// Rivals look whether somebody is alive, and go without a word.
		if ((await client.read()) !== null) await control.write("asked\n");
		await client.close();
	}
}
