/** Names of users, as /etc/passwd has them. */
import { readFileSync } from "node:fs";

/** Reads them once. Returns what finds the name of a number. */
export function readUserNames(): (uid: number) => string | undefined {
	const names = new Map<number, string>();
	for (const line of read().split("\n")) {
		const [name = "", , uid = ""] = line.split(":");
		// The first line of a number counts; getpwuid(3).
		if (/^\d+$/.test(uid) && name !== "" && !names.has(Number(uid))) names.set(Number(uid), name);
	}
	return (uid) => names.get(uid);
}

function read(): string {
	try {
		return readFileSync("/etc/passwd", "utf8");
	} catch {
		return "";
	}
}
