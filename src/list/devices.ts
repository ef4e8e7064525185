/** Names of network interfaces by their index. */
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = "/sys/class/net";

/** Reads them once, on first use. Returns what finds the name of an index, or the index as text where there is none. */
export function deviceNames(): (index: number) => string {
	let names: ReadonlyMap<number, string> | undefined;
	return (index) => {
		names ??= readNames();
		return names.get(index) ?? String(index);
	};
}

function readNames(): ReadonlyMap<number, string> {
	try {
		return new Map(
			readdirSync(FOLDER).map((name) => {
				return [Number(readFileSync(`${FOLDER}/${name}/ifindex`, "ascii")), name];
			}),
		);
	} catch {
		return new Map();
	}
}
