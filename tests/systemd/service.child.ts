/**
 * A service. It says who it is on every connection, and does what it is told there, a command a line:
 *
 * - `status TEXT`: tells the service manager; `variables`: what it was passed
 * - `store`: has the connection kept by the service manager; `forget`: takes that back
 * - `die`: ends with an error; `hang`: blocks the event loop; `trigger`: asks to be treated as if it hung
 *
 * On SIGHUP it reads its configuration again, which takes until somebody connects; on SIGTERM it says that it ends, and does so.
 */
import { adopt, listen, type Stream } from "socketry";
import { fromSystemd, notify, notifyBarrier, watchdog } from "socketry/systemd";
import { PATIENT } from "../support/patience.ts";

const listener = await listen("systemd:control");
const stored = fromSystemd();
watchdog({ onError: (error) => console.error(error) });
let isReloading = false;

process.on("SIGHUP", () => {
	isReloading = true;
	void notify({ reloading: true, status: "reloading" });
});
process.on("SIGTERM", () => void end());
for (const { name, descriptor } of stored) {
	const stream = adopt(descriptor) as Stream;
	await stream.write(`back in ${process.pid} as ${name}\n`);
	void serve(stream);
}
await notify({ ready: true, status: `serving with ${stored.length} stored` });
// Nobody waits longer for a test that failed.
setTimeout(() => process.exit(1), 300_000).unref();

for await (const stream of listener) {
	if (!("write" in stream)) throw new Error("the unit has another kind of socket");
	if (isReloading) await notify({ ready: true, status: "reloaded" });
	isReloading = false;
	await stream.write(`hello from ${process.pid}\n`);
	void serve(stream);
}

async function serve(stream: Stream): Promise<void> {
	for (;;) {
		const line = await stream.readUntil("\n", PATIENT).catch(() => null);
		if (line === null) break;
		await stream.write(`${await obey(String(line).trim(), stream)}\n`);
	}
	await stream.close();
}

async function obey(line: string, stream: Stream): Promise<string> {
	const [command = "", ...rest] = line.split(" ");
	switch (command) {
		case "status":
			await notify({ status: rest.join(" ") });
			await notifyBarrier(PATIENT);
			return "told";
		case "variables":
			return Object.keys(process.env)
				.filter((name) => /^(LISTEN|NOTIFY|WATCHDOG)_/.test(name))
				.toSorted()
				.join(" ");
		case "store":
			await notify({ fdstore: { name: "connection", descriptors: [stream] } });
			await notifyBarrier(PATIENT);
			return "stored";
		case "forget":
			await notify({ fdstoreRemove: "connection" });
			await notifyBarrier(PATIENT);
			return "forgotten";
		case "die":
			return process.exit(1);
		case "hang":
			// It need not be waited for as long as for somebody who is only slow.
			await notify({ watchdogMs: 500 });
			for (;;);
		case "trigger":
			await notify({ watchdog: "trigger" });
			return "asked for it";
		default:
			return "what?";
	}
}

async function end(): Promise<void> {
	await notify({ stopping: true, status: "ending" });
	process.exit(0);
}
