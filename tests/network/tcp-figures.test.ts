import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stream } from "socketry";
import { runChild, startChild } from "../support/children.ts";
import { cable, lackingNetworks, makeNetwork } from "../support/network.ts";
import { stop } from "../support/programs.ts";

const SERVER = new URL("./taking.peer.js", import.meta.url);
const CLIENT = new URL("./cut-off.peer.js", import.meta.url);

type Figures = Required<NonNullable<ReturnType<Stream["stats"]>["tcp"]>>;

test("figures of TCP are those of a network that loses packets", {
	skip: lackingNetworks(),
}, async () => {
	const network = await makeNetwork(
		["near", "far"],
		[
			...cable("near", "far"),
			"ip -n near address add 10.9.0.1/24 dev to-far",
			"ip -n far address add 10.9.0.2/24 dev to-near",
		],
	);
	const server = startChild(SERVER, { under: network.under("far") });
	const { code, stdout, stderr } = await runChild(CLIENT, {
		under: network.under("near"),
		args: ["10.9.0.2", await server.line(), "far", "to-near"],
	});
	await stop(server);
	await network.close();
	assert.equal(code, 0, stderr);
	const figures = JSON.parse(stdout) as Record<"before" | "meanwhile" | "after", Figures>;
	const { before, meanwhile, after } = figures;
	assert.deepEqual([before.totalRetrans, before.lost, before.bytesRetrans], [0, 0, 0]);
	assert.ok(before.rttUs > 0 && before.minRttUs > 0);
	assert.equal(before.bytesSent, 1_000);
	assert.equal(meanwhile.congestionState, "LOSS");
	assert.ok(meanwhile.unacked > 0 && meanwhile.lost > 0 && meanwhile.retransmits > 0);
	assert.ok(meanwhile.sndCwnd < before.sndCwnd, "the congestion window shrinks");
	assert.ok(meanwhile.rtoUs > before.rtoUs, "each further attempt waits longer");
	assert.ok(after.totalRetrans >= meanwhile.totalRetrans && after.bytesRetrans > 0);
	assert.equal(after.bytesSent - after.bytesRetrans, 11_000);
	assert.deepEqual([after.retransmits, after.lost], [0, 0]);
	assert.ok(after.deliveryRateBytesPerSecond > 0);
});
