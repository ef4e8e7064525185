import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Child, runChild, startChild } from "../support/children.ts";
import { cable, lackingNetworks, makeNetwork, type Network, routed } from "../support/network.ts";
import { stop } from "../support/programs.ts";

const SERVER = new URL("./measuring.peer.js", import.meta.url);
const CLIENT = new URL("./narrow-path.peer.js", import.meta.url);
const FORBIDDER = new URL("./forbidding.peer.js", import.meta.url);

describe("with a router whose far side takes 1280 bytes", { skip: lackingNetworks() }, () => {
	let network: Network;
	let server: Child;
	let port: string;

	before(async () => {
		network = await makeNetwork(
			["near", "router", "far"],
			[
				...cable("near", "router"),
				...cable("router", "far", 1_280),
				...routed("router", ["near", "far"], 7),
				// What is known of a path is known of an address: another one begins anew.
				"ip -n far address add 10.7.1.8/24 dev to-router",
				"ip -n far address add fd00:7:1::8/64 dev to-router",
			],
		);
		server = startChild(SERVER, { under: network.under("far") });
		port = await server.line();
	});

	after(async () => {
		await stop(server);
		await network.close();
	});

	async function send(host: string, client = CLIENT): Promise<unknown> {
		const { code, stdout, stderr } = await runChild(client, {
			under: network.under("near"),
			args: [host, port],
		});
		assert.equal(code, 0, stderr);
		return JSON.parse(stdout);
	}

	test("datagrams are cut on the way, refused, or arrive whole once the path is known (IPv4)", async () => {
		assert.deepEqual(await send("10.7.1.9"), {
			unaware: "1400",
			pathMtuBefore: 1_500,
			strict: ["ERR_TIMEOUT", "EMSGSIZE", "1000"],
			pathMtu: 1_280,
			errors: [
				["too-big", "icmp", 1_280, "EMSGSIZE"],
				["too-big", "local", 1_280, "EMSGSIZE"],
			],
			usual: ["1400", "4000", "1000"],
			runs: [100, 100, 100],
		});
	});

	test("a datagram that must not be cut is dropped by the router, then refused here; others of its socket are cut", async () => {
		assert.deepEqual(await send("10.7.1.8", FORBIDDER), [true, false, "EMSGSIZE", true, true]);
		// Routers cut nothing of IPv6, so that the first one is lost, and everything is known by that.
		assert.deepEqual(await send("[fd00:7:1::8]", FORBIDDER), [
			false,
			"EMSGSIZE",
			"EMSGSIZE",
			true,
			true,
		]);
	});

	test("routers cut nothing, the rest is the same (IPv6)", async () => {
		assert.deepEqual(await send("[fd00:7:1::9]"), {
			unaware: "ERR_TIMEOUT",
			pathMtuBefore: 1_280,
			strict: ["EMSGSIZE", "EMSGSIZE", "1000"],
			pathMtu: 1_280,
			errors: [
				["too-big", "local", 1_280, "EMSGSIZE"],
				["too-big", "local", 1_280, "EMSGSIZE"],
			],
			usual: ["1400", "4000", "1000"],
			runs: [100, 100, 100],
		});
	});
});
