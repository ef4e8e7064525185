/** What is not as a service manager would have it: variables that are wrong, meant for others, or seen by a worker. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { connect, datagrams, listen } from "socketry";
import { fromSystemd, SystemdError } from "socketry/systemd";
import { startProgram } from "../support/children.ts";

const NAMES = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

afterEach(() => {
	for (const name of NAMES) delete process.env[name];
});

function set(values: Readonly<Record<string, string>>): void {
	for (const name of NAMES) delete process.env[name];
	Object.assign(process.env, { LISTEN_PID: String(process.pid), ...values });
}

test("without a service manager nothing is there, and an address says what to do", async () => {
	assert.deepEqual(fromSystemd(), []);
	for (const open of [
		() => listen("systemd:http"),
		() => connect("systemd:http"),
		() => datagrams("systemd:http"),
	]) {
		await assert.rejects(open(), (error: SystemdError) => {
			assert.ok(error instanceof SystemdError);
			assert.equal(error.code, "ERR_SYSTEMD");
			assert.equal(error.variable, "LISTEN_FDS");
			assert.match(error.message, /named "http" was passed: LISTEN_FDS is not set; start/);
			return true;
		});
	}
});

test("variables for another process are not ours, and stay", async () => {
	for (const pid of [String(process.ppid), undefined]) {
		set({ LISTEN_FDS: "1" });
		if (pid === undefined) delete process.env["LISTEN_PID"];
		else process.env["LISTEN_PID"] = pid;
		assert.deepEqual(fromSystemd(), []);
		await assert.rejects(listen("systemd:http"), {
			code: "ERR_SYSTEMD",
			message: new RegExp(`LISTEN_PID is ${pid ?? "not set"}, but this process is ${process.pid};`),
		});
		assert.equal(process.env["LISTEN_FDS"], "1");
	}
});

test("malformed variables are told of by name", () => {
	const wrong: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
		[{ LISTEN_FDS: "" }, "LISTEN_FDS", /must be a decimal number/],
		[{ LISTEN_FDS: "0" }, "LISTEN_FDS", /must be a decimal number/],
		[{ LISTEN_FDS: "-1" }, "LISTEN_FDS", /must be a decimal number/],
		[{ LISTEN_FDS: "1e3" }, "LISTEN_FDS", /must be a decimal number/],
		[{ LISTEN_FDS: "99999999999" }, "LISTEN_FDS", /must be a decimal number/],
		[{ LISTEN_FDS: "1", LISTEN_PID: "me" }, "LISTEN_PID", /but is "me"/],
		[
			{ LISTEN_FDS: "1", LISTEN_FDNAMES: "a:b" },
			"LISTEN_FDNAMES",
			/has 2 names, but LISTEN_FDS is 1/,
		],
		[{ LISTEN_FDS: "2", LISTEN_FDNAMES: "" }, "LISTEN_FDNAMES", /has 1 names, but LISTEN_FDS is 2/],
	];
	for (const [values, variable, message] of wrong) {
		set(values);
		assert.throws(() => fromSystemd(), { code: "ERR_SYSTEMD", variable, message });
		// Nothing was taken, and nothing removed.
		assert.equal(process.env["LISTEN_FDS"], values["LISTEN_FDS"]);
	}
});

test("more descriptors than were passed are never taken: neither closed ones nor those of Node", () => {
	set({ LISTEN_FDS: "999999999" });
	assert.throws(() => fromSystemd(), { code: "ERR_SYSTEMD", message: /is not open$/ });
	// Nothing was passed to this process, so that the first numbers are those of Node's event loop.
	set({ LISTEN_FDS: "4", LISTEN_FDNAMES: "a:b:c:d" });
	assert.throws(() => fromSystemd(), { code: "ERR_SYSTEMD", message: /is one of Node's own/ });
});

test("options are checked", () => {
	assert.throws(() => fromSystemd({ name: 1 as never }), { code: "ERR_INVALID_ARG_TYPE" });
	assert.throws(() => fromSystemd({ keepVariables: 1 as never }), { code: "ERR_INVALID_ARG_TYPE" });
	assert.throws(() => fromSystemd(null as never), { code: "ERR_INVALID_ARG_TYPE" });
});

test("a worker thread takes nothing", async () => {
	const code = `
		const { parentPort } = require("node:worker_threads");
		import(${JSON.stringify(import.meta.resolve("socketry/systemd"))}).then(({ fromSystemd }) => {
			try {
				parentPort.postMessage(fromSystemd());
			} catch (error) {
				parentPort.postMessage(error.message);
			}
		});
	`;
	set({ LISTEN_FDS: "1" });
	const worker = new Worker(code, { eval: true });
	const message = await new Promise((resolve, reject) => {
		worker.once("message", resolve).once("error", reject);
	});
	await worker.terminate();
	assert.match(String(message), /belong to the main thread: take them there/);
});

test("under a shell that stays, as npm start has one, the descriptors are the shell's", async () => {
	const script = fileURLToPath(new URL("./passed.child.js", import.meta.url));
	const lines = 'export LISTEN_PID=$$ LISTEN_FDS=1; "$@" 3</dev/null; exit $?';
	const shell = startProgram(["/bin/sh", "-c", lines, "sh", process.execPath, script, "", "http"]);
	const { stdout, stderr } = await shell.ended;
	assert.equal(stderr, "");
	assert.match(stdout, /"code":"ERR_SYSTEMD"/);
	assert.match(stdout, new RegExp(`LISTEN_PID is ${shell.pid}, but this process is \\d+`));
});
