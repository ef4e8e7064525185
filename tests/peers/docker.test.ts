/** The API of Docker as Podman serves it on its Unix socket: questions by `fetch`, and the input and output of a real container by a stream. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { whenReachable } from "socketry";
import { type Ended, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { example, find, lacking, lackingRoot, startPeer, stop } from "../support/programs.ts";

const needed = lackingRoot() || lacking("podman", "runc", "busybox", "curl", "tar", "unshare");
const IMAGE = "socketry.test/busybox";
const COMMANDS = ["sh", "cat", "echo", "sha256sum", "true"];

// A folder of its own for everything that Podman keeps, also where it cannot be told where.
const MOUNTS = "mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /dev/shm";
const UNDER = ["unshare", "-m", "sh", "-c", `${MOUNTS}; exec "$@"`, "sh"];
const SETTINGS = `[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
[containers]
log_driver = "none"
default_ulimits = ["nofile=256:256", "nproc=1024:1024"]
`;

/** Packs a root directory with nothing but busybox. */
async function makeImage(folder: string): Promise<string> {
	mkdirSync(join(folder, "image/bin"), { recursive: true });
	copyFileSync(find("busybox") ?? "", join(folder, "image/bin/busybox"));
	for (const name of COMMANDS) symlinkSync("busybox", join(folder, "image/bin", name));
	const path = join(folder, "image.tar");
	const { code, stderr } = await startPeer("tar", ["-C", join(folder, "image"), "-cf", path, "."])
		.ended;
	assert.equal(code, 0, stderr);
	return path;
}

async function withPodman(
	t: TestContext,
	body: (address: string, folder: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const path = join(folder, "podman.sock");
		const settings = join(folder, "containers.conf");
		writeFileSync(settings, SETTINGS);
		const own = ["--root", join(folder, "root"), "--runroot", join(folder, "run")];
		const service = ["system", "service", "--time=0", `unix://${path}`];
		const args = [...own, "--storage-driver=vfs", "--runtime=runc", ...service];
		const podman = startPeer("podman", args, { under: UNDER, env: { CONTAINERS_CONF: settings } });
		t.after(() => podman.process.kill("SIGKILL"));
		await whenReachable(`unix:${path}`, PATIENT);
		const image = await makeImage(folder);
		const url = `http://podman/v1.41/images/create?fromSrc=-&repo=${IMAGE}`;
		const curl = ["-sS", "--fail", "--unix-socket", path, "-X", "POST", "-T", image, url];
		const imported = await startPeer("curl", curl).ended;
		assert.equal(imported.code, 0, imported.stderr);
		await body(`unix:${path}`, folder);
		await stop(podman);
	});
}

async function run(address: string, input: string, ...command: string[]): Promise<Ended> {
	const under = ["sh", "-c", 'exec "$@" < "$INPUT"', "sh"];
	const args = [address, IMAGE, ...command];
	return await startChild(example("docker/run.ts"), { args, under, env: { INPUT: input } }).ended;
}

test("Podman answers fetch over its Unix socket: ping, version, info and images", {
	skip: needed,
}, async (t) => {
	await withPodman(t, async (address) => {
		const info = await startChild(example("docker/info.ts"), { args: [address] }).ended;
		assert.deepEqual({ code: info.code, stderr: info.stderr }, { code: 0, stderr: "" });
		const [ping, version, image] = info.stdout.split("\n");
		assert.equal(ping, "ping: OK");
		assert.match(version ?? "", /^version \d+\.\d+\.\d+ on .+, vfs, 0 containers$/);
		assert.match(image ?? "", /^image socketry\.test\/busybox:latest \d{6,}$/);
	});
});

test("a container reads what our stream sends to its end, and answers after that", {
	skip: needed,
}, async (t) => {
	await withPodman(t, async (address, folder) => {
		const input = join(folder, "input");
		const bytes = randomBytes(1_048_576);
		writeFileSync(input, bytes);
		const digest = createHash("sha256").update(bytes).digest("hex");
		const first = await run(address, input, "sha256sum");
		if (/OCI|not permitted|permission denied/i.test(first.stderr)) {
			t.skip(`Podman may start no container here: ${first.stderr.split("\n").find(Boolean)}`);
			return;
		}
		assert.deepEqual(
			{ code: first.code, stdout: first.stdout, stderr: first.stderr },
			{ code: 0, stdout: `${digest}  -\n`, stderr: "" },
		);
		// Podman resets the connection of a command that leaves input unread.
		const both = await run(address, "/dev/null", "sh", "-c", "echo out; echo err >&2; exit 42");
		const { code, stdout, stderr } = both;
		assert.deepEqual({ code, stdout, stderr }, { code: 42, stdout: "out\n", stderr: "err\n" });
	});
});
