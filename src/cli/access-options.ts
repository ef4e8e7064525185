/** Options that say who may use a socket file. */
import { groups, type PeerPolicy, users } from "../index.ts";
import { UsageError } from "./exit-code.ts";

/**
 * Reads the permissions of a socket file.
 *
 * @throws {UsageError} they are no three octal digits
 */
export function readMode(text: string): number {
	if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
	throw new UsageError(`--mode must be three octal digits, such as 660, not "${text}"`);
}

/**
 * Reads who may connect: `user=A,B`, `group=C`. Whoever one of them lets in is let in.
 *
 * @throws {UsageError} a text has another form, or a name is unknown
 */
export function readPolicy(texts: readonly string[]): PeerPolicy {
	const policies = texts.map((text) => {
		const [, kind, list = ""] = /^(user|group)=(.+)$/.exec(text) ?? [];
		if (kind === undefined) {
			throw new UsageError(`--allow must be user=NAME or group=NAME, not "${text}"`);
		}
		const names = list.split(",").map((name) => (/^\d{1,10}$/.test(name) ? Number(name) : name));
		return explained(() => (kind === "user" ? users(names) : groups(names)));
	});
	return (peer) => policies.some((policy) => policy(peer));
}

function explained<T>(make: () => T): T {
	try {
		return make();
	} catch (error) {
		throw new UsageError(`--allow: ${(error as Error).message}`, { cause: error });
	}
}
