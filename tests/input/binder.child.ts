/** Makes and removes one socket file again and again, until there is a file named "stop". Arguments: the folder, the umask and the mode, in octal. */
import assert from "node:assert/strict";
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { listen } from "socketry";
import { PATIENCE_MS } from "../support/patience.ts";

const [folder = "", umask = "", mode = ""] = process.argv.slice(2);

process.umask(Number.parseInt(umask, 8));
const path = join(folder, "socket");
const wanted = Number.parseInt(mode, 8);
console.log("ready");
const deadline = performance.now() + PATIENCE_MS;
while (performance.now() < deadline && !existsSync(join(folder, "stop"))) {
	const listener = await listen(`unix:${path}`, { mode: wanted });
	assert.equal(lstatSync(path).mode & 0o777, wanted);
	listener.close();
}
