/** Options that say who may use a socket file. */
import { type Address, formatAddress, groups, type PeerPolicy, users } from "../index.ts";
import { UsageError } from "./exit-code.ts";
import { given } from "./options.ts";

/**
 * Reads the permissions of a socket file.
 *
 * @throws {UsageError} they are no three octal digits
 */
function readMode(text: string): number {
	if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
	throw new UsageError(`--mode must be three octal digits, such as 660, not "${text}"`);
}

/**
 * Reads who may connect: `user=A,B`, `group=C`. Whoever one of them lets in is let in.
 *
 * @throws {UsageError} a text has another form, or a name is unknown
 */
function readPolicy(texts: readonly string[]): PeerPolicy {
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

/**
 * Reads both, and makes sure that neither would be passed over: who calls is known on Unix connections only, and only Unix sockets have a file.
 *
 * @param addresses where it listens
 * @throws {UsageError} one of them is wrong, an address cannot tell who calls, or none has a file
 */
export function readAccess(
	values: {
		readonly mode?: string | undefined;
		readonly allow?: readonly string[] | undefined;
	},
	addresses: readonly Address[],
): { readonly mode: number | undefined; readonly allow: PeerPolicy | undefined } {
	const mode = given(values.mode, readMode);
	const allow = given(values.allow, readPolicy);
	const other = addresses.find((address) => !tellsCaller(address));
	if (allow !== undefined && other !== undefined) {
		throw new UsageError(
			`--allow is for unix: and unix-seqpacket: only: who calls at ${formatAddress(other)} is not known`,
		);
	}
	if (mode !== undefined && !addresses.some((address) => "path" in address)) {
		throw new UsageError("--mode is for socket files, and there is none: see --allow");
	}
	return { mode, allow };
}

/** Whether the kernel can tell who is at the other end; that of a passed descriptor is seen once it is open. */
export function tellsCaller({ transport }: Address): boolean {
	return ["unix", "unix-seqpacket", "fd", "systemd"].includes(transport);
}

function explained<T>(make: () => T): T {
	try {
		return make();
	} catch (error) {
		throw new UsageError(`--allow: ${(error as Error).message}`, { cause: error });
	}
}
