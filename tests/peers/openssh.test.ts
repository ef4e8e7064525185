/** OpenSSH over connections that `socketry connect` has made for it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { whenReachable } from "socketry";
import { PROGRAM_LINE } from "../cli/talk.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { find, freePort, lacking, lackingRoot, startPeer } from "../support/programs.ts";

const skip = lacking("ssh", "sshd", "ssh-keygen") || lackingRoot();

/** Runs `body` with a server, and with what calls a command there by way of a ProxyCommand. */
async function withServer(
	t: TestContext,
	body: (call: (proxyCommand: string, ...more: string[]) => Promise<string>) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		for (const name of ["host", "user"]) {
			spawnSync(find("ssh-keygen") as string, [
				"-q",
				"-t",
				"ed25519",
				"-N",
				"",
				"-f",
				`${folder}/${name}`,
			]);
		}
		copyFileSync(`${folder}/user.pub`, `${folder}/authorized`);
		const port = await freePort();
		const lines = [
			`Port ${port}`,
			"ListenAddress 127.0.0.1",
			`HostKey ${folder}/host`,
			`AuthorizedKeysFile ${folder}/authorized`,
			"StrictModes no",
			"PidFile none",
			"UsePAM no",
			"PermitRootLogin yes",
		];
		writeFileSync(`${folder}/config`, `${lines.join("\n")}\n`);
		mkdirSync("/run/sshd", { recursive: true });
		const server = startPeer(find("sshd") as string, ["-D", "-e", "-f", `${folder}/config`]);
		t.after(() => server.process.kill("SIGKILL"));
		await whenReachable(`tcp://127.0.0.1:${port}`, PATIENT);
		await body(async (proxyCommand, ...more) => {
			const options = [
				`ProxyCommand=${proxyCommand}`,
				"StrictHostKeyChecking=no",
				"UserKnownHostsFile=/dev/null",
				"LogLevel=ERROR",
				"BatchMode=yes",
				...more,
			].flatMap((option) => ["-o", option]);
			const to = ["-F", "none", "-i", `${folder}/user`, "-p", `${port}`, "127.0.0.1"];
			const ended = await startPeer("ssh", [...options, ...to, "echo from afar"]).ended;
			assert.equal(ended.code, 0, ended.stderr);
			return ended.stdout;
		});
		server.process.kill("SIGTERM");
		await server.ended;
	});
}

test("ssh takes the connection that --pass-fd passes it, and connect has left", {
	skip,
}, async (t) => {
	await withServer(t, async (call) => {
		const connect = `${PROGRAM_LINE} connect`;
		const fdpass = "ProxyUseFdpass=yes";
		assert.equal(await call(`${connect} --pass-fd %h:%p`, fdpass), "from afar\n");
		assert.equal(await call(`${connect} %h:%p`), "from afar\n");
	});
});

test("ssh goes through an HTTP proxy, with the bytes of connect and with its descriptor", {
	skip: skip || lacking("tinyproxy"),
}, async (t) => {
	await withServer(t, async (call) => {
		await inFolder(async (folder) => {
			const port = await freePort();
			writeFileSync(`${folder}/conf`, `Port ${port}\nListen 127.0.0.1\nTimeout 100\n`);
			const proxy = startPeer("tinyproxy", ["-d", "-c", `${folder}/conf`]);
			t.after(() => proxy.process.kill("SIGKILL"));
			await whenReachable(`tcp://127.0.0.1:${port}`, PATIENT);
			const connect = `${PROGRAM_LINE} connect --proxy http://127.0.0.1:${port}`;
			assert.equal(await call(`${connect} --pass-fd %h:%p`, "ProxyUseFdpass=yes"), "from afar\n");
			assert.equal(await call(`${connect} %h:%p`), "from afar\n");
			proxy.process.kill("SIGTERM");
			await proxy.ended;
		});
	});
});
