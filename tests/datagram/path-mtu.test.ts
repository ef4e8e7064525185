import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

// util-linux; not every machine has it, or allows it.
const UNSHARE = "unshare";
const CHILD = fileURLToPath(new URL("./path-mtu.child.js", import.meta.url));

function inNamespace(command: string): { status: number | null; stdout: string; stderr: string } {
	const flags = process.getuid?.() === 0 ? "-n" : "-rn";
	return spawnSync(UNSHARE, [flags, "--", "sh", "-c", command], { encoding: "utf8" });
}

const possible = inNamespace("ip link set lo mtu 1500 up").status === 0;

test("above the path MTU datagrams arrive whole, with and without the kernel's cutting, or fail when they must not be cut", {
	skip: possible ? false : "network namespaces cannot be made here",
}, () => {
	const command = `ip link set lo mtu 1500 up && '${process.execPath}' '${CHILD}'`;
	const { status, stdout, stderr } = inNamespace(command);
	assert.equal(status, 0, stderr);
	const forbidden = {
		codes: ["EMSGSIZE", "EMSGSIZE", "EMSGSIZE"],
		arrived: [4_001, 1_400, 17, 4_001, 1_400, 1_000, 1_000, 4_000, 4_000],
	};
	assert.deepEqual(JSON.parse(stdout), {
		wrong: [],
		ipv4: { code: "EMSGSIZE", pathMtu: 1_500, bytes: 1_472, kinds: [["too-big", "local", 1_500]] },
		ipv6: { code: "EMSGSIZE", pathMtu: 1_500, bytes: 1_452, kinds: [["too-big", "local", 1_500]] },
		forbidden: [forbidden, forbidden, forbidden],
	});
});
