/**
 * Becomes a user, and makes `s` in a folder root's socket (`good`), a socket of its own and a link to that, one after the other, until it is
 * killed. Arguments: the folder, the user.
 */
import { linkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { listen, socketpair } from "socketry";

const [folder = "", user = ""] = process.argv.slice(2);
for (const end of socketpair()) await end.close();
process.setgroups?.([]);
process.setgid?.(Number(user));
process.setuid?.(Number(user));

const at = (name: string): string => join(folder, name);
const evil = await listen(`unix:${at("evil")}`, { mode: 0o666 });
void (async () => {
	for await (const connection of evil) {
		await connection.write("stranger").catch(() => undefined);
		await connection.close().catch(() => undefined);
	}
})();
console.log("swapping");
for (;;) {
	attempt(() => {
		renameSync(at("good"), at("s"));
		linkSync(at("evil"), at("new"));
		renameSync(at("s"), at("good"));
		renameSync(at("new"), at("s"));
		symlinkSync("evil", at("new"));
		renameSync(at("new"), at("s"));
		unlinkSync(at("s"));
	});
	await turn();
}

// Until the other one is there, and once it has gone.
function attempt(swap: () => void): void {
	try {
		swap();
	} catch {
		// Another time.
	}
}
