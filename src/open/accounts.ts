/** Users and groups by name, as /etc/passwd and /etc/group have them; directory services (LDAP, SSSD, systemd's dynamic users) are not asked. */
import { readFileSync } from "node:fs";
import { requireInteger } from "../arguments.ts";
import { InvalidTypeError, InvalidValueError } from "../errors.ts";

/** A user: its number, or its name in /etc/passwd. */
export type User = number | string;
/** A group: its number, or its name in /etc/group. */
export type Group = number | string;

// -1 means "nobody" to the kernel; setuid(2).
const ID_MAX = 4_294_967_294;
const OVERFLOW_ID = 65_534;
const WHOLE_RANGE = 4_294_967_295;

/**
 * Finds the number of a user.
 *
 * @param argument what an error calls it
 * @throws {InvalidTypeError | OutOfRangeError} it is no number of a user
 * @throws {InvalidValueError} no user has this name; or the number stands for many users here
 */
export function userId(argument: string, user: unknown): number {
	return idOf(argument, user, "uid", "/etc/passwd", "a user");
}

/**
 * Finds the number of a group.
 *
 * @param argument what an error calls it
 * @throws {InvalidTypeError | OutOfRangeError} it is no number of a group
 * @throws {InvalidValueError} no group has this name; or the number stands for many groups here
 */
export function groupId(argument: string, group: unknown): number {
	return idOf(argument, group, "gid", "/etc/group", "a group");
}

/**
 * The number that stands for every user, or group, without a number of its own in our user namespace: the overflow id. Undefined where all
 * have one, as outside of containers: then it means the user of this number (`nobody`), and no other.
 *
 * @see user_namespaces(7)
 */
export function ambiguousId(kind: "uid" | "gid"): number | undefined {
	const mapped = [...read(`/proc/self/${kind}_map`).matchAll(/(\d+)$/gm)]
		.map(([, count]) => Number(count))
		.reduce((sum, count) => sum + count, 0);
	if (mapped >= WHOLE_RANGE) return undefined;
	const id = Number.parseInt(read(`/proc/sys/kernel/overflow${kind}`), 10);
	return Number.isNaN(id) ? OVERFLOW_ID : id;
}

function idOf(
	argument: string,
	value: unknown,
	kind: "uid" | "gid",
	file: string,
	what: string,
): number {
	if (typeof value !== "number" && typeof value !== "string") {
		throw new InvalidTypeError(argument, `the number or the name of ${what}`, value);
	}
	const id =
		typeof value === "number" ? requireInteger(argument, value, 0, ID_MAX) : lookUp(value, file);
	if (id === undefined) {
		const rule = `must be the name of ${what} in ${file} (directory services are not asked: give a number)`;
		throw new InvalidValueError(argument, rule, value);
	}
	if (id === ambiguousId(kind)) {
		const rule = `must be ${what} of this user namespace, where ${id} stands for all that it does not map`;
		throw new InvalidValueError(argument, rule, value);
	}
	return id;
}

// name:password:number:...; the first line of a name counts, as in getpwnam(3).
function lookUp(name: string, file: string): number | undefined {
	for (const line of read(file).split("\n")) {
		const [found, , number = ""] = line.split(":");
		if (found === name && /^\d{1,10}$/.test(number)) return Number(number);
	}
	return undefined;
}

function read(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return "";
	}
}
