/**
 * Listens on a path when it is told to, at the same moment as its rivals. Arguments: the abstract name of who tells, what it calls itself, and the
 * group of its files.
 */
import { connect, type Listener, listen, type Stream } from "socketry";

const [abstract = "", self = "", group = ""] = process.argv.slice(2);
const control = await connect({ transport: "unix", abstract });
process.umask(0);
await control.write(`${self}\n`);

let owned: Listener<Stream> | undefined;
let generation = 0;

for (;;) {
	const line = await control.readUntil("\n");
	if (line === null) break;
	const [command, path = "", policy, at] = String(line).trim().split(" ");
	if (command === "start") {
		untilClock(Number(at));
		await control.write(`${await start(path, policy as "error")}\n`);
	} else if (command === "stop") {
		stop();
		await control.write("stopped\n");
	} else break;
}
await control.close();

/** What it had before is given up first, in the midst of the race. */
async function start(path: string, onStale: "error" | "replace-dead" | "replace"): Promise<string> {
	stop();
	generation++;
	try {
		owned = await listen(`unix:${path}`, { onStale, mode: 0o660, group: Number(group) });
	} catch (error) {
		return (error as { code: string }).code;
	}
	void tellName(owned, `${self} ${generation}`);
	return `owner ${generation}`;
}

function stop(): void {
	owned?.close();
	owned = undefined;
}

async function tellName(listener: Listener<Stream>, name: string): Promise<void> {
	for await (const client of listener) {
		// Rivals look whether somebody is alive, and go without a word.
		try {
			if ((await client.read()) !== null) await client.write(name);
			await client.close();
		} catch {
			client.abort();
		}
	}
}

/** So that rivals on several processors are as close as can be. */
function untilClock(at: number): void {
	while (performance.timeOrigin + performance.now() < at);
}
