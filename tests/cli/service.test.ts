/** Relays and servers as services: what `--notify` tells, and restarts under the real systemd by which no connection is lost. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect, datagrams, formatAddress, type Listener, listen, type Stream } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lackingServiceManager, startServiceManager } from "../support/service-manager.ts";
import { startProgram } from "./program.ts";
import { PROGRAM_LINE } from "./talk.ts";

test("--notify tells that it serves, who it is, and that it ends; only who serves tells that", async () => {
	await inFolder(async (folder) => {
		const manager = await datagrams(`unix-dgram:${folder}/notify`);
		const next = async (): Promise<string> => String((await manager.receive(PATIENT)).data);
		const env = { NOTIFY_SOCKET: `${folder}/notify` };
		const takeover = ["--takeover", `${folder}/control`, "--notify"];
		for (const args of [
			["listen", `${folder}/s`, "--echo", ...takeover],
			["relay", `${folder}/s`, `${folder}/t`, ...takeover],
		]) {
			const first = startProgram(args, { env });
			assert.equal(await next(), `READY=1\nMAINPID=${first.pid}\n`);
			const second = startProgram(args, { env });
			assert.equal(await next(), `READY=1\nMAINPID=${second.pid}\n`);
			assert.equal((await first.ended).code, 0);
			second.process.kill("SIGTERM");
			assert.equal(await next(), "STOPPING=1\n");
			assert.equal((await second.ended).code, 143);
		}
		await manager.close();
	});
});

test("where nobody is to be told --notify changes nothing, and one that cannot be told does not matter", async () => {
	await inFolder(async (folder) => {
		for (const place of ["", `${folder}/nobody`]) {
			const env = { NOTIFY_SOCKET: place };
			const args = ["listen", `${folder}/s`, "--echo", "--notify"];
			const server = startProgram(args, { env, lines: "stderr" });
			if (place !== "") assert.match(await server.line(), /systemd was not told: .*ENOENT/);
			assert.match(await server.line(), /listening/);
			server.process.kill("SIGTERM");
			assert.equal((await server.ended).code, 143);
		}
	});
});

test("systemctl reload replaces a relay, whose connections go on", {
	skip: lackingServiceManager(),
}, async () => {
	await inFolder(async (folder) => {
		const far = (await listen("tcp://127.0.0.1:0")) as Listener<Stream>;
		const to = formatAddress(far.address);
		const relay = `${PROGRAM_LINE} relay ${folder}/from ${to} --takeover ${folder}/control --notify`;
		const unit = [
			"[Service]",
			"Type=notify",
			"NotifyAccess=all",
			`ExecStart=${relay}`,
			`ExecReload=/bin/sh -c '${relay} &'`,
			"SuccessExitStatus=143",
			`StandardError=append:${folder}/log`,
			"",
		].join("\n");
		await inFolder(async (own) => {
			const manager = await startServiceManager(own, { "relay.service": unit });
			try {
				await manager.control("start", "relay.service");
				const before = await manager.property("relay.service", "MainPID");
				const held = await connect(`unix:${folder}/from`);
				await held.write("before");
				const served = await far.accept();
				assert.equal(String(await served.readExactly(6, PATIENT)), "before");
				await manager.control("reload", "relay.service");
				await manager.until("relay.service", "MainPID", new RegExp(`^(?!${before}$)[1-9]`));
				await held.write("after!");
				assert.equal(String(await served.readExactly(6, PATIENT)), "after!");
				const fresh = await connect(`unix:${folder}/from`);
				const another = await far.accept();
				for (const each of [held, served, fresh, another]) await each.close();
				assert.equal(await manager.property("relay.service", "ActiveState"), "active");
				await manager.control("stop", "relay.service");
				const log = readFileSync(`${folder}/log`, "utf8");
				assert.equal(await manager.property("relay.service", "Result"), "success", log);
				assert.match(log, /process \d+ has taken over; 1 under way end here/);
			} finally {
				await manager.close();
			}
		});
		far.close();
	});
});
