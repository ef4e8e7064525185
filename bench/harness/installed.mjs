// Programs that the distribution brings.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { UnavailableError } from "./unavailable.mjs";

// Where Debian has servers, which is not in everybody's PATH.
const places = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"].filter(
	(place) => place !== "",
);

/** The path of a program; throws the UnavailableError that says how to get it. */
export function installed(name) {
	for (const place of places) {
		const path = join(place, name);
		try {
			accessSync(path, constants.X_OK);
			return path;
		} catch {
			// The next one may have it.
		}
	}
	throw new UnavailableError(`${name} is not installed: apt-get install ${name}`);
}
