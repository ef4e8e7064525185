/** A service of ours under the real systemd: socket units, notifications, descriptor store, watchdog. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, datagrams, type Stream } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import {
	lackingServiceManager,
	type ServiceManager,
	scriptLines,
	startServiceManager,
} from "../support/service-manager.ts";

const skip = lackingServiceManager();
const service = fileURLToPath(new URL("./service.child.js", import.meta.url));
const passed = fileURLToPath(new URL("./passed.child.js", import.meta.url));

async function line(stream: Stream): Promise<string> {
	return String(await stream.readUntil("\n", PATIENT)).trim();
}

async function ask(stream: Stream, command: string): Promise<string> {
	await stream.write(`${command}\n`);
	return await line(stream);
}

/** Which process said that. */
function pidIn(text: string): number {
	return Number(/\d+/.exec(text)?.[0]);
}

function units(folder: string): Record<string, string> {
	const at = (name: string): string => join(folder, name);
	return {
		"control.socket": `[Socket]\nListenStream=${at("control")}\nFileDescriptorName=control\n`,
		"control.service": [
			"[Unit]",
			"StartLimitIntervalSec=0",
			"[Service]",
			"Type=notify",
			"ExecReload=/bin/kill -HUP $MAINPID",
			"FileDescriptorStoreMax=4",
			"WatchdogSec=6",
			"WatchdogSignal=SIGKILL",
			"Restart=on-failure",
			"RestartSec=0",
			scriptLines(service, [], at("control.log")),
			"",
		].join("\n"),
		"all.socket": [
			"[Socket]",
			`ListenStream=${at("stream")}`,
			`ListenDatagram=${at("datagram")}`,
			`ListenSequentialPacket=${at("packets")}`,
			`ListenFIFO=${at("fifo")}`,
			"ListenSpecial=/dev/ptmx",
			"ListenNetlink=kobject-uevent 1",
			"",
		].join("\n"),
		"all.service": `[Service]\nType=oneshot\n${scriptLines(passed, ["all"], at("all.log"))}\n`,
		"each.socket": `[Socket]\nListenStream=${at("each")}\nAccept=yes\n`,
		"each@.service": `[Service]\n${scriptLines(passed, ["connect", "connection"], at("each.log"))}\n`,
	};
}

describe("a service under systemd", { skip }, () => {
	let manager: ServiceManager;
	let folder: string;
	let end = (): void => {};
	let ended: Promise<void>;

	before(async () => {
		await new Promise<void>((resolve, reject) => {
			ended = inFolder(async (made) => {
				folder = made;
				manager = await startServiceManager(made, units(made));
				resolve();
				await new Promise<void>((finish) => {
					end = finish;
				});
				await manager.close();
			});
			ended.catch(reject);
		});
	});

	after(async () => {
		end();
		await ended;
	});

	const control = async (): Promise<Stream> => await connect(`unix:${join(folder, "control")}`);

	test("starts with the first connection, and is active when it says so", async () => {
		await manager.control("start", "control.socket");
		const stream = await control();
		const hello = await line(stream);
		assert.equal(await manager.property("control.service", "MainPID"), String(pidIn(hello)));
		assert.equal(await manager.property("control.service", "ActiveState"), "active");
		assert.equal(await manager.property("control.service", "StatusText"), "serving with 0 stored");
		assert.equal(await ask(stream, "variables"), "NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC");
		await stream.close();
	});

	test("is seen as it says it is, once the barrier is passed", async () => {
		const stream = await control();
		await line(stream);
		for (const text of ["one", "two – half", ""]) {
			assert.equal(await ask(stream, `status ${text}`), "told");
			assert.equal(await manager.property("control.service", "StatusText"), text);
		}
		await stream.close();
	});

	test("is reloading until it says that it is ready again", async () => {
		await manager.control("reload", "--no-block", "control.service");
		await manager.until("control.service", "ActiveState", "reloading");
		await manager.until("control.service", "StatusText", "reloading");
		const stream = await control();
		await line(stream);
		await manager.until("control.service", "ActiveState", "active");
		assert.equal(await manager.property("control.service", "StatusText"), "reloaded");
		await stream.close();
	});

	test("gets its connections back from the descriptor store after it died", async () => {
		const stream = await control();
		const first = pidIn(await line(stream));
		assert.equal(await ask(stream, "store"), "stored");
		assert.equal(await manager.property("control.service", "NFileDescriptorStore"), "1");
		await stream.write("die\n");
		const back = await line(stream);
		const second = pidIn(back);
		assert.notEqual(second, first);
		assert.equal(back, `back in ${second} as connection`);
		// The same connection goes on with the process after.
		assert.equal(await ask(stream, "status on the old connection"), "told");
		assert.equal(await manager.property("control.service", "StatusText"), "on the old connection");
		assert.equal(await ask(stream, "forget"), "forgotten");
		assert.equal(await manager.property("control.service", "NFileDescriptorStore"), "0");
		await stream.close();
	});

	test("gives signs of life, and is ended by the watchdog when it hangs", async () => {
		const seen = new Set<string>();
		const name = "WatchdogTimestampMonotonic";
		const isNew = { test: (value: string) => !seen.has(value) } as RegExp;
		while (seen.size < 3) seen.add(await manager.until("control.service", name, isNew));
		const stream = await control();
		const first = pidIn(await line(stream));
		const restarts = Number(await manager.property("control.service", "NRestarts"));
		await stream.write("hang\n");
		// Restarted by systemd, which is the only one to do so.
		const isOther = { test: (pid: string) => pid !== "0" && pid !== String(first) } as RegExp;
		await manager.until("control.service", "MainPID", isOther);
		await manager.until("control.service", "ActiveState", "active");
		stream.abort();
		const after = Number(await manager.property("control.service", "NRestarts"));
		assert.equal(after, restarts + 1);
	});

	test("asks for the watchdog's action itself", async () => {
		const stream = await control();
		const first = pidIn(await line(stream));
		await stream.write("trigger\n");
		const isOther = { test: (pid: string) => pid !== "0" && pid !== String(first) } as RegExp;
		await manager.until("control.service", "MainPID", isOther);
		stream.abort();
	});

	test("says that it ends, and is not started again", async () => {
		await manager.until("control.service", "ActiveState", "active");
		await manager.control("stop", "control.service", "control.socket");
		assert.equal(await manager.property("control.service", "Result"), "success");
		assert.equal(await manager.property("control.service", "ActiveState"), "inactive");
		assert.equal(readFileSync(join(folder, "control.log"), "utf8"), "");
	});

	test("gets sockets of every kind, FIFOs and devices, each of its kind", async () => {
		await manager.control("start", "all.socket");
		const sender = await datagrams(undefined, {
			connect: `unix-dgram:${join(folder, "datagram")}`,
		});
		await sender.send("wake up");
		await sender.close();
		await manager.until("all.service", "ExecMainExitTimestampMonotonic", /^[1-9]/);
		// Nobody takes the datagram: it is not to be started for ever.
		await manager.control("stop", "all.socket");
		const [said = ""] = readFileSync(join(folder, "all.log"), "utf8").split("\n");
		const { passed: kinds, left } = JSON.parse(said) as { passed: string[][]; left: string[] };
		assert.deepEqual(kinds, [
			["all.socket", "listener"],
			["all.socket", "datagrams"],
			["all.socket", "listener"],
			["all.socket", "pipe"],
			["all.socket", "character-device"],
			// Netlink, which the library has no name for.
			["all.socket", "unknown"],
		]);
		assert.deepEqual(left, []);
	});

	test("with Accept=yes is started for each connection, which connect() takes", async () => {
		await manager.control("start", "each.socket");
		for (let i = 0; i < 3; i++) {
			const stream = await connect(`unix:${join(folder, "each")}`);
			await stream.write("ping\n");
			assert.equal(String(await stream.readExactly(4, PATIENT)), "pong");
			await stream.close();
		}
		await manager.control("stop", "each.socket");
	});
});
