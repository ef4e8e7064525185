/** Policies for the option `allow` of `listen`: who may connect to a Unix socket. */
import { requireArray } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import type { PeerCredentials } from "../socket/peer-credentials.ts";
import { ambiguousId, type Group, groupId, type User, userId } from "./accounts.ts";

/**
 * Decides who may connect, by the credentials of the client at its connect(2). Returns true to let it in; anything else refuses it, and so
 * does throwing. It is called once for each connection, before a byte is read, and must not wait.
 */
export type PeerPolicy = (peer: PeerCredentials) => boolean;

const ROOT = 0;

/**
 * Allows the effective user of this process, as it is when the client comes, and root, which can become that user anyway. The default for
 * abstract names, which have no file mode.
 *
 * Where our own user has no number in its user namespace, nobody but root is known for sure, and others are refused.
 */
export function sameUser(): PeerPolicy {
	const ambiguous = ambiguousId("uid");
	return ({ uid }) => uid === ROOT || (uid !== ambiguous && uid === process.geteuid?.());
}

/**
 * Allows these users and nobody else: neither root nor our own user, unless listed.
 *
 * @param list numbers, or names that are looked up in /etc/passwd now; directory services are not asked
 * @throws {InvalidValueError} a name is unknown, the list is empty, or a number stands for many users in our user namespace
 * @throws {InvalidTypeError | OutOfRangeError} an entry is no user
 */
export function users(list: readonly User[]): PeerPolicy {
	const allowed = idsOf("users", list, userId);
	return ({ uid }) => allowed.has(uid);
}

/**
 * Allows members of these groups, by their effective group or a supplementary one, and nobody else.
 *
 * @param list numbers, or names that are looked up in /etc/group now; directory services are not asked
 * @throws {InvalidValueError} a name is unknown, the list is empty, or a number stands for many groups in our user namespace
 * @throws {InvalidTypeError | OutOfRangeError} an entry is no group
 */
export function groups(list: readonly Group[]): PeerPolicy {
	const allowed = idsOf("groups", list, groupId);
	return (peer) => allowed.has(peer.gid) || peer.groups.some((gid) => allowed.has(gid));
}

const EVERYBODY: PeerPolicy = () => true;

/** Allows everybody who can reach the socket; for abstract names that is every process of the network namespace. */
export function anyone(): PeerPolicy {
	return EVERYBODY;
}

function idsOf(
	argument: string,
	list: unknown,
	find: (argument: string, entry: unknown) => number,
): ReadonlySet<number> {
	const entries = requireArray(argument, list);
	if (entries.length === 0) {
		throw new InvalidValueError(argument, "must have an entry, or nobody could connect", list);
	}
	return new Set(entries.map((entry, i) => find(`${argument}[${i}]`, entry)));
}
