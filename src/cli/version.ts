/** The version of the package, read where it is wanted: importing costs nothing. */
import { readFileSync } from "node:fs";

/** Reads the version from package.json. */
export function packageVersion(): string {
	const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
	return (JSON.parse(text) as { version: string }).version;
}
