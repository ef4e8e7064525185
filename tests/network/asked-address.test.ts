import assert from "node:assert/strict";
import { test } from "node:test";
import { runChild, startChild } from "../support/children.ts";
import { cable, lackingNetworks, makeNetwork } from "../support/network.ts";
import { stop } from "../support/programs.ts";

const SERVER = new URL("./echoing.peer.js", import.meta.url);
const CLIENT = new URL("./asking-hosts.peer.js", import.meta.url);

async function ask(under: string[], port: string, hosts: readonly string[]): Promise<string[]> {
	const { code, stdout, stderr } = await runChild(CLIENT, { under, args: [port, ...hosts] });
	assert.equal(code, 0, stderr);
	return stdout.split("\n").slice(0, -1);
}

test("a server for all addresses answers from each loopback address that is asked", async () => {
	const server = startChild(SERVER);
	const port = await server.line();
	const hosts = ["127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254"];
	const answers = await ask([], port, hosts);
	assert.deepEqual(
		answers,
		hosts.map((host) => `::ffff:${host}`),
	);
	assert.equal(await stop(server), `${port}\n`);
});

test("a server on two networks answers from each of its addresses, by whichever interface it was asked", {
	skip: lackingNetworks(),
}, async () => {
	const network = await makeNetwork(
		["server", "left", "right"],
		[
			...cable("server", "left"),
			...cable("server", "right"),
			"ip -n server address add 10.8.1.1/24 dev to-left",
			"ip -n server address add 10.8.1.2/24 dev to-left",
			"ip -n server address add 10.8.2.1/24 dev to-right",
			"ip -n server address add 10.8.3.1/32 dev lo",
			"ip -n server address add fd00:8:1::1/64 dev to-left",
			"ip -n server address add fd00:8:1::2/64 dev to-left",
			"ip -n server address add fd00:8:2::1/64 dev to-right",
			...["left", "right"].flatMap((host, i) => [
				`ip -n ${host} address add 10.8.${i + 1}.9/24 dev to-server`,
				`ip -n ${host} address add fd00:8:${i + 1}::9/64 dev to-server`,
				`ip -n ${host} route add default via 10.8.${i + 1}.1`,
				`ip -n ${host} route add default via fd00:8:${i + 1}::1`,
			]),
		],
	);
	try {
		const server = startChild(SERVER, { under: network.under("server") });
		const port = await server.line();
		const four = ["10.8.1.1", "10.8.1.2", "10.8.2.1", "10.8.3.1"];
		const six = ["fd00:8:1::1", "fd00:8:1::2", "fd00:8:2::1"];
		const expected = [...four.map((host) => `::ffff:${host}`), ...six];
		for (const host of ["left", "right", "server"]) {
			assert.deepEqual(await ask(network.under(host), port, [...four, ...six]), expected, host);
		}
		assert.equal(await stop(server), `${port}\n`);
	} finally {
		await network.close();
	}
});

test("an answer leaves by the interface that the routes say, which need not be the one that the question came in by", {
	skip: lackingNetworks(),
}, async () => {
	const sysctl = "nsenter --net=/run/netns/client sh -c 'echo 1 > /proc/sys/net";
	const network = await makeNetwork(
		["server", "client", "other"],
		[
			...cable("server", "client"),
			...cable("server", "other"),
			...cable("other", "client"),
			"ip -n server address add 10.8.4.1/24 dev to-client",
			"ip -n server address add 10.8.5.1/24 dev to-other",
			"ip -n other address add 10.8.5.2/24 dev to-server",
			"ip -n other address add 10.8.6.2/24 dev to-client",
			"ip -n client address add 10.8.6.9/24 dev to-other",
			"ip -n client address add 10.8.4.9/24 dev to-server",
			// The client asks by the cable, from an address to which the server knows a way round only.
			"ip -n client address add 10.8.9.9/32 dev lo",
			"ip -n client route add 10.8.4.1/32 dev to-server src 10.8.9.9",
			"ip -n server route add 10.8.9.9/32 via 10.8.5.2",
			"ip -n other route add 10.8.9.9/32 via 10.8.6.9",
			// Else the server would learn by ARP that the cable leads there too.
			`${sysctl}/ipv4/conf/all/arp_ignore'`,
			`${sysctl.replace("echo 1", "echo 2")}/ipv4/conf/all/arp_announce'`,
			`${sysctl.replace("client", "other")}/ipv4/ip_forward'`,
		],
	);
	try {
		const server = startChild(SERVER, { under: network.under("server") });
		const port = await server.line();
		assert.deepEqual(await ask(network.under("client"), port, ["10.8.4.1"]), ["::ffff:10.8.4.1"]);
		assert.equal(await stop(server), `${port}\n`);
	} finally {
		await network.close();
	}
});
