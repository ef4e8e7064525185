/** Listens on a path, replaces itself and leaves, over and over, until it is killed. Argument: the path. */
import { writeSync } from "node:fs";
import { listen } from "socketry";
import { PATIENCE_MS } from "../support/patience.ts";

const [path = ""] = process.argv.slice(2);
let current = await listen(`unix:${path}`, { mode: 0o600 });
writeSync(1, "ready\n");
const deadline = performance.now() + PATIENCE_MS;
while (performance.now() < deadline) {
	const next = await listen(`unix:${path}`, { mode: 0o600, onStale: "replace" });
	current.close();
	next.close();
	current = await listen(`unix:${path}`, { mode: 0o600, onStale: "replace-dead" });
}
