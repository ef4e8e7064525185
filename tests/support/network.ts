/** Networks of a test's own: hosts are network namespaces, which end with the process that holds them. */
import { spawnSync } from "node:child_process";
import { startProgram } from "./children.ts";
import { lacking, lineLike, stop } from "./programs.ts";

/** A network that was made. */
export interface Network {
	/** What makes a command run on a host: the option `under` of `startChild`. */
	under(host: string): string[];
	/** Ends it. Whatever still runs on its hosts keeps them alive. */
	close(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;
const IPV6 = "/proc/sys/net/ipv6/conf";
const NO_DAD = `if [ -d ${IPV6} ]; then echo 0 > ${IPV6}/all/accept_dad; echo 0 > ${IPV6}/default/accept_dad; fi`;
const UNSHARE = ["unshare", isRoot ? "-nm" : "-rnm", "--"];

/** Why no network can be made here, and what to do about it; false when one can. For the `skip` of a test. */
export function lackingNetworks(): string | false {
	const [program = "", ...args] = [...UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"];
	if (spawnSync(program, args).status !== 0) return "no network namespaces here: run it as root";
	return lacking("ip");
}

/**
 * Makes a network.
 *
 * @param hosts their names; each has its loopback interface up
 * @param lines shell commands that join them, such as `ip -n HOST address add ...`; see ip(8)
 */
export async function makeNetwork(
	hosts: readonly string[],
	lines: readonly string[],
): Promise<Network> {
	const script = [
		"set -e",
		"mount -t tmpfs tmpfs /run",
		...hosts.flatMap((host) => [
			`ip netns add ${host}`,
			// Addresses can be used at once, without a second of asking whether somebody has them.
			`nsenter --net=/run/netns/${host} sh -c '${NO_DAD}'`,
			`ip -n ${host} link set lo up`,
		]),
		...lines,
		"echo ready",
		"exec sleep 600",
	].join("\n");
	const holder = startProgram([...UNSHARE, "sh", "-c", script], { timeoutMs: 600_000 });
	await lineLike(holder, /^ready$/);
	const enter = ["nsenter", ...(isRoot ? [] : ["-U", "--preserve-credentials"]), "-m"];
	return {
		under: (host) => [
			...enter,
			`--target=${holder.pid}`,
			"--",
			...["nsenter", `--net=/run/netns/${host}`, "--"],
		],
		close: async () => {
			await stop(holder);
		},
	};
}

/** The commands that join two hosts by a cable: interface `to-RIGHT` on the left one, `to-LEFT` on the right one, without addresses. */
export function cable(left: string, right: string, mtu = 1_500): string[] {
	const [there, back] = [`to-${right}`, `to-${left}`];
	return [
		`ip -n ${left} link add ${there} mtu ${mtu} type veth peer name ${back} mtu ${mtu} netns ${right}`,
		`ip -n ${left} link set ${there} up`,
		`ip -n ${right} link set ${back} up`,
	];
}

/** Commands that make of `router` a router between hosts with a cable to it: the i-th one is 10.NET.i.9 and fd00:NET:i::9. */
export function routed(router: string, hosts: readonly string[], net: number): string[] {
	const enable = `nsenter --net=/run/netns/${router} sh -c 'echo 1 > /proc/sys/net`;
	return [
		...hosts.flatMap((host, i) => [
			`ip -n ${host} address add 10.${net}.${i}.9/24 dev to-${router}`,
			`ip -n ${host} address add fd00:${net}:${i}::9/64 dev to-${router}`,
			`ip -n ${router} address add 10.${net}.${i}.1/24 dev to-${host}`,
			`ip -n ${router} address add fd00:${net}:${i}::1/64 dev to-${host}`,
			`ip -n ${host} route add default via 10.${net}.${i}.1`,
			`ip -n ${host} route add default via fd00:${net}:${i}::1`,
		]),
		`${enable}/ipv4/ip_forward'`,
		`${enable}/ipv6/conf/all/forwarding'`,
	];
}
