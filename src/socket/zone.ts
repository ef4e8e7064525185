/** Interface names and indices: the zone of link-local IPv6 addresses. */
import { readFileSync } from "node:fs";
import type { networkInterfaces } from "node:os";
import { InvalidAddressError } from "../errors.ts";

/**
 * Finds the index of a network interface by its name.
 *
 * @throws {InvalidAddressError} there is no such interface, or its index cannot be found out
 * @see if_nametoindex(3)
 */
export function zoneIndex(zone: string): number {
	const index = fromSysfs(zone) ?? fromAddresses(zone);
	if (index !== undefined) return index;
	const names = Object.keys(interfaces()).join(", ");
	throw new InvalidAddressError(`%${zone}`, `no interface has this name; there are: ${names}`);
}

// Names an interface even when it has no address at all; absent where sysfs is not mounted.
function fromSysfs(zone: string): number | undefined {
	if (zone.includes("/") || zone === "." || zone === "..") return undefined;
	try {
		const index = Number(readFileSync(`/sys/class/net/${zone}/ifindex`, "ascii"));
		return Number.isInteger(index) && index > 0 ? index : undefined;
	} catch {
		return undefined;
	}
}

// Node tells the index of an interface only along with a link-local address of it.
function fromAddresses(zone: string): number | undefined {
	for (const address of interfaces()[zone] ?? []) {
		if (address.family === "IPv6" && address.scopeid > 0) return address.scopeid;
	}
	return undefined;
}

// Loaded when it is needed: few addresses have a zone, and importing the package shall cost little.
function interfaces(): ReturnType<typeof networkInterfaces> {
	return process.getBuiltinModule("node:os").networkInterfaces();
}
