/**
 * Looks at the files of a folder again and again, until there is a file named "stop" beside the folder, and tells which of them let anybody in who
 * must stay outside. Arguments: the folder and the group that may use its sockets.
 */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [folder = "", group = ""] = process.argv.slice(2);
const LOOKS = 64;
const WRONG_MAX = 20;
const wrong = new Set<string>();
let sightings = 0;

console.log("ready");
while (!existsSync(`${folder}.stop`)) {
	for (let i = 0; i < LOOKS; i++) look();
}
console.log(JSON.stringify({ sightings, wrong: [...wrong] }));

function look(): void {
	for (const name of readdirSync(folder)) {
		const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
		if (found === undefined) continue;
		sightings++;
		const mode = found.mode & 0o7777;
		const isRight = found.isSocket()
			? (mode & ~0o660) === 0 && ((mode & 0o077) === 0 || found.gid === Number(group))
			: (mode & ~0o600) === 0;
		if (!isRight && wrong.size < WRONG_MAX) wrong.add(`${name} ${found.gid} ${mode.toString(8)}`);
	}
}
