/** Paths of sockets, and the folders on the way to them. */
import { type Dirent, readdirSync } from "node:fs";
import type { Candidate } from "./offer.ts";

/** Lists folders and sockets whose paths begin with `word`, which may have a kind before it: `unix:./`. */
export function socketFiles(word: string): Candidate[] {
	const scheme = /^[a-z-]+:/.exec(word)?.[0] ?? "";
	const path = word.slice(scheme.length);
	const folder = path.slice(0, path.lastIndexOf("/") + 1);
	const start = path.slice(folder.length);
	const found: Candidate[] = [];
	for (const entry of entriesOf(folder || ".")) {
		const { name } = entry;
		if (!name.startsWith(start) || (name.startsWith(".") && start === "")) continue;
		const value = `${scheme}${folder}${name}`;
		if (entry.isDirectory()) found.push({ value: `${value}/` });
		else if (entry.isSocket()) found.push({ value, about: "a socket file" });
	}
	return found;
}

function entriesOf(folder: string): Dirent[] {
	try {
		return readdirSync(folder, { withFileTypes: true });
	} catch {
		return [];
	}
}
