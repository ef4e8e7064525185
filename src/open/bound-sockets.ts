/** Unix sockets that hold a name but do not listen yet: to who connects, they look like the dead. */
import { readFileSync } from "node:fs";

const SLASH = "/";
// Number, references, protocol, flags, type, state, inode, path. State 01: neither connected nor connecting; flags: 10000 when it listens.
// Types: 1 is a stream, 5 a seqpacket. proc(5), net/unix/af_unix.c.
const SILENT = /^[^:]*: [0-9A-F]+ [0-9A-F]+ 00000000 000[15] 01 +[0-9]+ (.+)$/gm;
// Names of long paths, by a descriptor that only its process knows.
const PROC = "/proc/";

/** Whether a socket that does not listen is bound to a file: `"doubtful"` where there is one whose directory only its owner knows. */
export type Silence = "bound" | "doubtful" | "none";

/**
 * Tells whether some socket of this machine is bound to a file and does not listen. Knows none where there is no /proc.
 *
 * @param path absolute, of the file
 * @param isFile whether another absolute path leads to the same file
 */
export function silenceAt(path: Buffer, isFile: (path: Buffer) => boolean): Silence {
	const wanted = path.toString("latin1");
	const base = wanted.slice(wanted.lastIndexOf(SLASH) + 1);
	let silence: Silence = "none";
	for (const [, name = ""] of readList().matchAll(SILENT)) {
		if (name.slice(name.lastIndexOf(SLASH) + 1) !== base) continue;
		if (!name.startsWith(SLASH) || name.startsWith(PROC)) silence = "doubtful";
		else if (isFile(Buffer.from(name, "latin1"))) return "bound";
	}
	return silence;
}

function readList(): string {
	try {
		return readFileSync("/proc/net/unix", "latin1");
	} catch {
		return "";
	}
}
