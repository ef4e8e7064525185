/** SSH over our streams: the package `ssh2` at both ends, OpenSSH at either, and OpenSSH at both with our ProxyCommand between them. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, listen, whenReachable } from "socketry";
import { type Ended, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENCE_MS, PATIENT } from "../support/patience.ts";
import {
	example,
	freePort,
	lacking,
	lackingRoot,
	lineLike,
	startPeer,
	stop,
} from "../support/programs.ts";

const USER = userInfo().username;
const BYTES = 4_194_304;

/** A folder with keys, and an SSH server at some addresses. */
interface Place {
	readonly folder: string;
	readonly addresses: readonly string[];
}

const PROXY = fileURLToPath(example("ssh/proxy-command.ts"));

function file({ folder }: Place, name: string): string {
	return join(folder, name);
}

async function makeKeys(folder: string): Promise<void> {
	for (const name of ["host", "user", "other"]) {
		const args = ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)];
		const { code, stderr } = await startPeer("ssh-keygen", args).ended;
		assert.equal(code, 0, stderr);
	}
	const known = readFileSync(join(folder, "host.pub"), "utf8");
	writeFileSync(join(folder, "known"), `place ${known}`);
	writeFileSync(join(folder, "input"), randomBytes(BYTES));
}

async function atOurs(t: TestContext, body: (place: Place) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		await makeKeys(folder);
		const listening = ["tcp://127.0.0.1:0", `unix:${join(folder, "ssh.sock")}`];
		const args = [join(folder, "host"), join(folder, "user.pub"), ...listening];
		const server = startChild(example("ssh/server.ts"), { args });
		t.after(() => server.process.kill("SIGKILL"));
		const addresses: string[] = [];
		for (const _ of listening) addresses.push((await lineLike(server, /^serving (.*)$/))[1] ?? "");
		await body({ folder, addresses });
		assert.equal((await stop(server)).replaceAll(/^serving .*\n/gm, ""), "");
	});
}

// It needs a folder that Debian makes when the service starts.
const MOUNTS = "mount -t tmpfs tmpfs /run; mkdir /run/sshd";
const UNDER = ["unshare", "-m", "sh", "-c", `${MOUNTS}; exec "$@"`, "sh"];

async function atOpenSsh(t: TestContext, body: (place: Place) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		await makeKeys(folder);
		const port = await freePort();
		const settings = [
			`Port ${port}`,
			"ListenAddress 127.0.0.1",
			`HostKey ${join(folder, "host")}`,
			`AuthorizedKeysFile ${join(folder, "user.pub")}`,
			"StrictModes no",
			"UsePAM no",
			"PidFile none",
			"PasswordAuthentication no",
			"PermitRootLogin prohibit-password",
		];
		writeFileSync(join(folder, "sshd_config"), `${settings.join("\n")}\n`);
		const args = ["-D", "-e", "-f", join(folder, "sshd_config")];
		const server = startPeer("sshd", args, { under: UNDER });
		t.after(() => stop(server));
		const address = `tcp://127.0.0.1:${port}`;
		await whenReachable(address, PATIENT);
		await body({ folder, addresses: [address] });
	});
}

/** Feeds a program from the file `input`. */
const FED = ["sh", "-c", 'exec "$@" < "$INPUT"', "sh"];

/** Runs a command by the client of the examples. */
async function byOurs(
	place: Place,
	address: string,
	command: string,
	key = "user",
): Promise<Ended> {
	const args = [address, USER, file(place, key), file(place, "host.pub"), command];
	const env = { INPUT: file(place, "input") };
	return await startChild(example("ssh/client.ts"), { args, under: FED, env }).ended;
}

function openSshOptions(place: Place, address: string): string[] {
	const options = [
		// Programs of others run without the sanitizers that our addon may need.
		`ProxyCommand=env LD_PRELOAD=${process.env["LD_PRELOAD"] ?? ""} "${process.execPath}" "${PROXY}" ${address}`,
		`IdentityFile=${file(place, "user")}`,
		"IdentitiesOnly=yes",
		`UserKnownHostsFile=${file(place, "known")}`,
		"StrictHostKeyChecking=yes",
		"BatchMode=yes",
		"LogLevel=ERROR",
	];
	return ["-F", "none", "-l", USER, ...options.flatMap((option) => ["-o", option])];
}

/** Runs a command by OpenSSH through our ProxyCommand. */
async function byOpenSsh(place: Place, address: string, command: string): Promise<Ended> {
	const args = [...openSshOptions(place, address), "place", command];
	return await startPeer("ssh", args, { under: FED, env: { INPUT: file(place, "input") } }).ended;
}

function digest(data: Uint8Array): string {
	return createHash("sha256").update(data).digest("hex");
}

function assertDigest(place: Place, { code, stdout, stderr }: Ended): void {
	const expected = digest(readFileSync(file(place, "input")));
	assert.deepEqual(
		{ code, stderr, digest: stdout.slice(0, 64) },
		{ code: 0, stderr: "", digest: expected },
	);
}

test("ssh2 on our streams speaks with ssh2 on our listeners, over TCP and a Unix socket", {
	skip: lacking("ssh-keygen"),
}, async (t) => {
	await atOurs(t, async (place) => {
		for (const address of place.addresses) {
			assertDigest(place, await byOurs(place, address, "sha256sum"));
			assert.equal((await byOurs(place, address, "whoami")).stdout, `${USER}\n`);
			assert.equal((await byOurs(place, address, "rm -rf /")).code, 127);
		}
		const refused = await byOurs(place, place.addresses[0] ?? "", "whoami", "other");
		assert.match(refused.stderr, /All configured authentication methods failed/);
	});
});

test("OpenSSH reaches ssh2 on our listeners through our ProxyCommand, over TCP and a Unix socket", {
	skip: lacking("ssh", "ssh-keygen"),
}, async (t) => {
	await atOurs(t, async (place) => {
		for (const address of place.addresses) {
			assertDigest(place, await byOpenSsh(place, address, "sha256sum"));
			assert.equal((await byOpenSsh(place, address, "whoami")).stdout, `${USER}\n`);
		}
	});
});

test("sshd lets in ssh2 on our streams, and OpenSSH through our ProxyCommand, and both carry 4 MiB each way", {
	skip: lackingRoot() || lacking("ssh", "sshd", "ssh-keygen", "unshare"),
}, async (t) => {
	await atOpenSsh(t, async (place) => {
		const [address = ""] = place.addresses;
		const back = `cat > ${file(place, "copy")}; sha256sum < ${file(place, "copy")}; od -An -v -tx1 ${file(place, "copy")}`;
		for (const by of [byOurs, byOpenSsh]) {
			const ended = await by(place, address, back);
			assertDigest(place, ended);
			const hex = ended.stdout.slice(ended.stdout.indexOf("\n")).replaceAll(/[^0-9a-f]/g, "");
			assert.equal(digest(Buffer.from(hex, "hex")), ended.stdout.slice(0, 64));
		}
		assert.equal((await byOurs(place, address, "exit 42")).code, 42);
		assert.match((await byOurs(place, address, "whoami", "other")).stderr, /authentication/);
	});
});

test("OpenSSH forwards a Unix socket from our stream to our listener, each direction ending by itself", {
	skip: lackingRoot() || lacking("ssh", "sshd", "ssh-keygen", "unshare"),
}, async (t) => {
	await atOpenSsh(t, async (place) => {
		const [near, far] = [file(place, "near.sock"), file(place, "far.sock")];
		await using listener = await listen(`unix:${far}`);
		const options = openSshOptions(place, place.addresses[0] ?? "");
		const forward = ["-o", "ExitOnForwardFailure=yes", "-L", `${near}:${far}`];
		const ssh = startPeer("ssh", [...options, "-N", ...forward, "place"]);
		try {
			// Not whenReachable(): a connection to the near end is one to the far end, too.
			await using client = await connect(`unix:${near}`, {
				timeoutMs: PATIENCE_MS,
				retry: { delayMs: 20 },
			});
			const [server] = await Promise.all([listener.accept(), client.write("to the far end")]);
			assert.equal(String(await server.readExactly(14)), "to the far end");
			await client.closeWrite();
			assert.equal(await server.read(), null);
			await server.write("and back, after the other direction has ended");
			await server.close();
			const answer: Uint8Array[] = [];
			for await (const chunk of client) answer.push(chunk);
			assert.equal(`${Buffer.concat(answer)}`, "and back, after the other direction has ended");
		} finally {
			// Before its server, which waits for it.
			await stop(ssh);
		}
	});
});
