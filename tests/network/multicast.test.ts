import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Child, runChild, startChild, startProgram } from "../support/children.ts";
import { cable, lackingNetworks, makeNetwork, type Network } from "../support/network.ts";
import { stop } from "../support/programs.ts";

const MEMBER = new URL("./group-member.peer.js", import.meta.url);
const SENDER = new URL("./group-sender.peer.js", import.meta.url);

interface Family {
	readonly sources: readonly [string, string];
	/** Of any source. */
	readonly any: readonly [string, string];
	/** Of chosen sources; RFC 4607. */
	readonly chosen: string;
	/** Where the kernel lists its memberships, and how it writes the first group. */
	readonly listed: readonly [file: string, group: string];
}

const FAMILIES: Readonly<Record<string, Family>> = {
	IPv4: {
		sources: ["10.5.0.1", "10.5.0.2"],
		any: ["239.255.5.1", "239.255.5.2"],
		chosen: "232.5.5.5",
		listed: ["/proc/net/igmp", "0105FFEF"],
	},
	"IPv6 of wider scope": {
		sources: ["fd00:5::1", "fd00:5::2"],
		any: ["ff15::5:1", "ff15::5:2"],
		chosen: "ff3e::8000:5",
		listed: ["/proc/net/igmp6", "ff150000000000000000000000050001"],
	},
	"IPv6 of the link": {
		sources: ["fe80::5:1%to-member", "fe80::5:2%to-member"],
		any: ["ff02::5:1%to-member", "ff12::5:2%to-member"],
		chosen: "ff32::8000:5%to-member",
		listed: ["/proc/net/igmp6", "ff020000000000000000000000050001"],
	},
};

/** Without its zone, which is another one at the other end of the cable. */
function bare(host: string): string {
	return host.replace(/%.*/, "");
}

describe("over a cable between two hosts", { skip: lackingNetworks() }, () => {
	let network: Network;

	before(async () => {
		network = await makeNetwork(
			["sender", "member"],
			[
				...cable("sender", "member"),
				"ip -n sender address add 10.5.0.1/24 dev to-member",
				"ip -n sender address add 10.5.0.2/24 dev to-member",
				"ip -n member address add 10.5.0.9/24 dev to-sender",
				...["fd00:5::1", "fd00:5::2", "fe80::5:1", "fe80::5:2"].map(
					(address) => `ip -n sender address add ${address}/64 dev to-member`,
				),
				"ip -n member address add fd00:5::9/64 dev to-sender",
			],
		);
	});

	after(() => network.close());

	async function has(host: string, [file, group]: Family["listed"]): Promise<boolean> {
		const { stdout } = await startProgram(["cat", file], { under: network.under(host) }).ended;
		return stdout.includes(group);
	}

	async function say(port: string, family: Family): Promise<void> {
		const groups = [...family.any, family.chosen].join(",");
		const { code, stderr } = await runChild(SENDER, {
			under: network.under("sender"),
			args: ["to-member", port, family.sources.join(","), groups],
		});
		assert.equal(code, 0, stderr);
	}

	for (const [name, family] of Object.entries(FAMILIES)) {
		test(`members get what is sent to their groups, from the sources they chose, and nothing else (${name})`, async () => {
			const { sources, any, chosen, listed } = family;
			const [one, two] = sources.map(bare);
			const members: Child = startChild(MEMBER, {
				under: network.under("member"),
				args: [
					"to-sender",
					bare(any[0]),
					`${bare(any[0])},${bare(any[1])}`,
					`${bare(chosen)}|${one}`,
					`${bare(chosen)}|${one},${two}`,
				],
			});
			const port = await members.line();
			assert.equal(await has("member", listed), true);
			await say(port, family);
			const told = new Set<string>();
			// The second member is told twice, of both its groups.
			while (told.size < 4) told.add(await members.line());
			const heard = JSON.parse((await stop(members)).split("\n").at(-2) ?? "") as string[][];
			const to = (group: string): string[] => sources.map((source) => `${source} to ${group}`);
			assert.deepEqual(
				heard.map((texts) => texts.filter((text) => text !== "end")),
				[to(any[0]), [...to(any[0]), ...to(any[1])], [`${sources[0]} to ${chosen}`], to(chosen)],
			);
			assert.equal(await has("member", listed), false);
		});
	}
});
