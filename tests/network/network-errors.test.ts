import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Child, runChild, startChild } from "../support/children.ts";
import { cable, lackingNetworks, makeNetwork, type Network, routed } from "../support/network.ts";
import { stop } from "../support/programs.ts";

const SERVER = new URL("./measuring.peer.js", import.meta.url);
/** Each has a network of its own. The router tells each of so many errors a second only. */
const HOSTS = ["far", "near", "next"];
const CLIENT = new URL("./reporting.peer.js", import.meta.url);

describe("with a router between it and the others", { skip: lackingNetworks() }, () => {
	let network: Network;
	let server: Child;
	let port: string;

	before(async () => {
		network = await makeNetwork(
			["router", ...HOSTS],
			[
				...HOSTS.flatMap((host) => cable("router", host)),
				...routed("router", HOSTS, 4),
				"ip -n router route add prohibit 10.4.66.0/24",
				"ip -n router route add prohibit fd00:4:66::/64",
				"nsenter --net=/run/netns/router sh -c 'echo 0 > /proc/sys/net/ipv6/icmp/ratelimit'",
			],
		);
		server = startChild(SERVER, { under: network.under("far") });
		port = await server.line();
	});

	after(async () => {
		await stop(server);
		await network.close();
	});

	async function report(host: string, ...args: string[]): Promise<unknown> {
		const { code, stdout, stderr } = await runChild(CLIENT, { under: network.under(host), args });
		assert.equal(code, 0, stderr);
		return JSON.parse(stdout);
	}

	for (const [host, local, router] of [
		["near", "udp://0.0.0.0:0", "10.4.1.1"],
		["next", "udp://*:0", "10.4.2.1"],
	] as const) {
		test(`it is told what became of each datagram, by whom, and goes on (IPv4, from ${local})`, async () => {
			const server = `udp://10.4.0.9:${port}`;
			const unreachable = ["udp://10.4.0.9:9", "udp://10.99.0.1:9", "udp://10.4.66.1:9"];
			assert.deepEqual(await report(host, local, "64", ...unreachable, server), {
				answer: "5",
				reports: [
					["10.4.0.9", "unreachable", "ECONNREFUSED", "icmp", 3, 3, "10.4.0.9"],
					["10.99.0.1", "unreachable", "ENETUNREACH", "icmp", 3, 0, router],
					["10.4.66.1", "unreachable", "EHOSTUNREACH", "icmp", 3, 13, router],
				],
				sent: 4,
				dropped: 0,
			});
			assert.deepEqual(await report(host, local, "1", "udp://10.4.0.9:9", server), {
				answer: "5",
				reports: [["10.4.0.9", "expired", "EHOSTUNREACH", "icmp", 11, 0, router]],
				sent: 2,
				dropped: 0,
			});
		});
	}

	test("it is told the same over IPv6", async () => {
		const server = `udp://[fd00:4::9]:${port}`;
		const unreachable = ["fd00:4::9", "fd00:99::1", "fd00:4:66::1"].map((to) => `udp://[${to}]:9`);
		assert.deepEqual(await report("near", "udp://[::]:0", "64", ...unreachable, server), {
			answer: "5",
			reports: [
				["fd00:4::9", "unreachable", "ECONNREFUSED", "icmp6", 1, 4, "fd00:4::9"],
				["fd00:99::1", "unreachable", "ENETUNREACH", "icmp6", 1, 0, "fd00:4:1::1"],
				["fd00:4:66::1", "unreachable", "EACCES", "icmp6", 1, 1, "fd00:4:1::1"],
			],
			sent: 4,
			dropped: 0,
		});
		assert.deepEqual(await report("near", "udp://[::]:0", "1", "udp://[fd00:4::9]:9", server), {
			answer: "5",
			reports: [["fd00:4::9", "expired", "EHOSTUNREACH", "icmp6", 3, 0, "fd00:4:1::1"]],
			sent: 2,
			dropped: 0,
		});
	});
});
