/** containerd's gRPC on its Unix socket, with `@grpc/grpc-js` on our streams. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { whenReachable } from "socketry";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { example, lacking, lackingRoot, startPeer, stop } from "../support/programs.ts";

// It wants a folder in /run, wherever it is told to keep its state.
const UNDER = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /run; exec "$@"', "sh"];

test("grpc-js keeps 4 MiB in containerd and reads them back on our streams, while events come", {
	skip: lackingRoot() || lacking("containerd", "unshare"),
}, async (t) => {
	await inFolder(async (folder) => {
		const path = join(folder, "containerd.sock");
		const settings = `version = 2
			root = "${join(folder, "root")}"
			state = "${join(folder, "state")}"
			disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
			[grpc]
			address = "${path}"
		`;
		writeFileSync(join(folder, "config.toml"), settings);
		const args = ["-c", join(folder, "config.toml")];
		const containerd = startPeer("containerd", args, { under: UNDER });
		t.after(() => containerd.process.kill("SIGKILL"));
		await whenReachable(`unix:${path}`, PATIENT);

		const [input, output] = [join(folder, "input"), join(folder, "output")];
		const bytes = randomBytes(4_194_304);
		writeFileSync(input, bytes);
		const { code, stderr } = await startChild(example("containerd/store.ts"), {
			args: [`unix:${path}`],
			under: ["sh", "-c", 'exec "$@" < "$INPUT" > "$OUTPUT"', "sh"],
			env: { INPUT: input, OUTPUT: output },
		}).ended;
		const digest = createHash("sha256").update(bytes).digest("hex");
		const [version, ...rest] = stderr.split("\n");
		assert.match(version ?? "", /^containerd v?\d+\.\d+/);
		assert.deepEqual(
			{ code, lines: rest },
			{
				code: 0,
				lines: [
					"event /namespaces/create",
					`kept as sha256:${digest}`,
					"event /content/delete",
					"event /namespaces/delete",
					"",
				],
			},
		);
		assert.ok(readFileSync(output).equals(bytes));
		await stop(containerd);
	});
});
