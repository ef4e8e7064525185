import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, mock, test } from "node:test";
import { type Datagrams, datagrams } from "socketry";
import { watchdog } from "socketry/systemd";
import { startProgram } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";

afterEach(() => {
	mock.timers.reset();
	for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete process.env[name];
});

/** Runs `body` with a service manager that wants a sign of life within 300 ms, and a clock that only moves when told. */
async function withManager(
	body: (manager: Datagrams, path: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const path = join(folder, "notify");
		const manager = await datagrams(`unix-dgram:${path}`);
		process.env["NOTIFY_SOCKET"] = path;
		process.env["WATCHDOG_USEC"] = "300000";
		process.env["WATCHDOG_PID"] = String(process.pid);
		mock.timers.enable({ apis: ["setInterval"] });
		try {
			await body(manager, path);
		} finally {
			await manager.close();
		}
	});
}

async function beat(manager: Datagrams): Promise<void> {
	assert.equal(String((await manager.receive(PATIENT)).data), "WATCHDOG=1\n");
}

async function silence(manager: Datagrams): Promise<void> {
	// What was sent is there at once.
	for (let i = 0; i < 10; i++) await new Promise(setImmediate);
	await assert.rejects(manager.receive({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
}

test("there is none when the service manager wants none of this process", () => {
	assert.equal(watchdog(), undefined);
	process.env["WATCHDOG_USEC"] = "300000";
	process.env["WATCHDOG_PID"] = String(process.ppid);
	assert.equal(watchdog(), undefined);
});

test("a sign of life comes at once, and then at half of the time, until it is stopped", async () => {
	await withManager(async (manager) => {
		delete process.env["WATCHDOG_PID"];
		const dog = watchdog();
		assert.equal(dog?.timeoutMs, 300);
		await beat(manager);
		mock.timers.tick(149);
		await silence(manager);
		mock.timers.tick(1);
		await beat(manager);
		mock.timers.tick(150);
		await beat(manager);
		dog?.stop();
		dog?.stop();
		mock.timers.tick(1_000);
		await silence(manager);
	});
});

test("none is sent while the program is not well, fails to say so, or does not answer", async () => {
	await withManager(async (manager) => {
		const errors: unknown[] = [];
		let answer = (): boolean | Promise<boolean> => false;
		const dog = watchdog({ isWell: () => answer(), onError: (error) => errors.push(error) });
		await silence(manager);
		answer = () => {
			throw new Error("ill");
		};
		mock.timers.tick(150);
		await silence(manager);
		assert.match(String(errors), /ill/);
		let heal = (_: boolean): void => {};
		let asked = 0;
		answer = () => {
			asked++;
			return new Promise((resolve) => {
				heal = resolve;
			});
		};
		for (let i = 0; i < 5; i++) mock.timers.tick(150);
		await silence(manager);
		assert.equal(asked, 1);
		heal(true);
		await beat(manager);
		dog?.stop();
		assert.equal(errors.length, 1);
	});
});

test("a service manager that is gone is told of, and tried again", async () => {
	await withManager(async (manager, path) => {
		const errors: string[] = [];
		process.env["NOTIFY_SOCKET"] = `${path}-gone`;
		const dog = watchdog({ onError: (error) => errors.push((error as { code: string }).code) });
		await silence(manager);
		assert.deepEqual(errors, ["ENOENT"]);
		process.env["NOTIFY_SOCKET"] = path;
		mock.timers.tick(150);
		await beat(manager);
		dog?.stop();
	});
});

test("malformed variables and options are told of", () => {
	for (const [name, value] of [
		["WATCHDOG_USEC", "0"],
		["WATCHDOG_USEC", "soon"],
		["WATCHDOG_PID", "-1"],
	] as const) {
		Object.assign(process.env, { WATCHDOG_USEC: "1000", WATCHDOG_PID: "1", [name]: value });
		if (name === "WATCHDOG_USEC") delete process.env["WATCHDOG_PID"];
		assert.throws(() => watchdog(), { code: "ERR_SYSTEMD", variable: name });
	}
	assert.throws(() => watchdog({ isWell: 1 as never }), { code: "ERR_INVALID_ARG_TYPE" });
	assert.throws(() => watchdog(null as never), { code: "ERR_INVALID_ARG_TYPE" });
});

test("it does not keep the process alive, not even when the service manager does not read", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "notify");
		const manager = await datagrams(`unix-dgram:${path}`);
		const code = `
			import { notify, watchdog } from "socketry/systemd";
			for (let full = false; !full; ) full = !(await notify({ watchdog: true }, { timeoutMs: 0 }).catch(() => false));
			console.log(watchdog().timeoutMs);
		`;
		const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "60000000" };
		const command = [process.execPath, "--input-type=module", "--eval", code];
		const ended = await startProgram(command, { env }).ended;
		assert.deepEqual([ended.stdout, ended.stderr, ended.code], ["60000\n", "", 0]);
		await manager.close();
	});
});
