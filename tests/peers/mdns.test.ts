import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Child, runChild, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { cable, lackingNetworks, makeNetwork } from "../support/network.ts";
import { example, lacking, lineLike, startPeer, stop } from "../support/programs.ts";

const QUERY = example("mdns/query.ts");
const RESPOND = example("mdns/respond.ts");

const isRoot = process.getuid?.() === 0;

const AVAHI = `[server]
host-name=avahi
domain-name=local
use-ipv6=no
allow-interfaces=to-ours
enable-dbus=no
[wide-area]
enable-wide-area=no
[publish]
publish-workstation=no
`;

async function startResponder(...args: string[]): Promise<Child> {
	const responder = startChild(RESPOND, { args });
	await lineLike(responder, / is /);
	return responder;
}

test("two processes in a group hear the questions of a third, and each answers for its own name", async () => {
	const names = ["socketry-a.local", "socketry-b.local"];
	const [first, second] = (await Promise.all([
		startResponder("lo", names[0] as string, "127.7.0.1"),
		startResponder("lo", names[1] as string, "127.7.0.2"),
	])) as [Child, Child];
	for (const [i, name] of names.entries()) {
		const { stdout, stderr } = await runChild(QUERY, { args: ["lo", name] });
		assert.equal(stdout, `127.7.0.${i + 1}\n`, stderr);
	}
	for (const responder of [first, second]) {
		assert.match(await stop(responder), /^.* is .*\n(asked by [\d.]+\n)+$/);
	}
});

test("avahi answers our question over multicast", {
	skip: lacking("avahi-daemon") || lackingNetworks() || (!isRoot && "avahi-daemon needs root"),
}, async () => {
	const network = await makeNetwork(
		["ours", "avahi"],
		[
			...cable("ours", "avahi"),
			"ip -n ours address add 10.6.0.1/24 dev to-avahi",
			"ip -n avahi address add 10.6.0.2/24 dev to-ours",
			"mkdir /run/avahi-daemon",
		],
	);
	try {
		await inFolder(async (folder) => {
			const file = join(folder, "avahi.conf");
			writeFileSync(file, AVAHI);
			const args = ["--no-drop-root", "--no-chroot", "--no-rlimits", "-f", file];
			const under = network.under("avahi");
			const avahi = startPeer("avahi-daemon", args, { under, lines: "stderr" });
			await lineLike(avahi, /Server startup complete/);
			const { stdout, stderr } = await runChild(QUERY, {
				under: network.under("ours"),
				args: ["to-avahi", "avahi.local"],
			});
			assert.equal(stdout, "10.6.0.2\n", stderr);
			await stop(avahi);
		});
	} finally {
		await network.close();
	}
});
