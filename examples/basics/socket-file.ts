/** Socket files: who may connect, what a dead server leaves behind, and an end that removes nothing of others. */
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "socketry";
import { socket } from "socketry/socket";

const folder = mkdtempSync(join(tmpdir(), "socketry-files-"));
const path = join(folder, "app.sock");

// A server that died left its file: by the man pages, closing removes nothing.
const dead = socket("unix", "stream");
dead.bind({ family: "unix", path });
dead.close();

try {
	await listen(`unix:${path}`);
} catch (error) {
	console.log((error as { code: string }).code);
}
// Replaced only if it is a socket with nobody behind it; a living server keeps its file.
const listener = await listen(`unix:${path}`, { mode: 0o600, onStale: "replace-dead" });
console.log((statSync(path).mode & 0o777).toString(8));
listener.close();
console.log(existsSync(path));
rmSync(folder, { recursive: true });
