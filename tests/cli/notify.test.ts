/** `socketry notify`, to a receiver of ours and to the real systemd. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type Datagrams, datagrams } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lacking, startPeer } from "../support/programs.ts";
import { lackingServiceManager, startServiceManager } from "../support/service-manager.ts";
import { runProgram, startProgram } from "./program.ts";
import { PROGRAM_LINE } from "./talk.ts";

const IS_ROOT = process.getuid?.() === 0;

interface Told {
	readonly text: string;
	readonly pid: number | undefined;
	/** Descriptors that came along. */
	readonly count: number;
}

/** Runs `body` with a receiver as a service manager has it. */
async function withManager(
	body: (next: () => Promise<Told>, env: { readonly NOTIFY_SOCKET: string }) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const path = `${folder}/notify`;
		const options = { receiveDescriptors: true, receiveCredentials: true } as const;
		const manager: Datagrams = await datagrams(`unix-dgram:${path}`, options);
		const next = async (): Promise<Told> => {
			const { data, credentials, descriptors = [] } = await manager.receive(PATIENT);
			// As systemd does: a barrier is over once its descriptor is closed.
			for (const descriptor of descriptors) descriptor.close();
			return { text: String(data), pid: credentials?.pid, count: descriptors.length };
		};
		await body(next, { NOTIFY_SOCKET: path });
		await manager.close();
	});
}

test("each option is told in the words of sd_notify, and the barrier is waited for", async () => {
	await withManager(async (next, env) => {
		for (const [args, expected] of [
			[["--ready", "--status", "serving on port 80"], "READY=1\nSTATUS=serving on port 80\n"],
			[["--reloading"], /^RELOADING=1\nMONOTONIC_USEC=\d+\n$/],
			[["--stopping", "--errno", "5"], "STOPPING=1\nERRNO=5\n"],
			[["--watchdog", "--pid", `${process.pid}`], `MAINPID=${process.pid}\nWATCHDOG=1\n`],
			[["--pid", "parent"], `MAINPID=${process.pid}\n`],
			[
				["--extend", "90s", "--watchdog-time", "500ms"],
				"WATCHDOG_USEC=500000\nEXTEND_TIMEOUT_USEC=90000000\n",
			],
			[["--fd-remove", "sessions"], "FDSTOREREMOVE=1\nFDNAME=sessions\n"],
			[["X_OURS=1=2", "NOTIFYACCESS=all"], "X_OURS=1=2\nNOTIFYACCESS=all\n"],
		] as const) {
			const running = startProgram(["notify", ...args], { env });
			const told = await next();
			if (typeof expected === "string") assert.equal(told.text, expected);
			else assert.match(told.text, expected);
			// In the name of who runs it, where that is allowed.
			assert.equal(told.pid, IS_ROOT ? process.pid : running.pid);
			assert.equal(running.process.exitCode, null);
			const barrier = await next();
			assert.deepEqual([barrier.text, barrier.count], ["BARRIER=1\n", 1]);
			const { code, stdout, stderr } = await running.ended;
			assert.deepEqual([code, stdout, stderr], [0, "", ""]);
		}
	});
});

test("descriptors of a shell are handed over to be kept", async () => {
	await withManager(async (next, env) => {
		const call = `${PROGRAM_LINE} notify --fd 3 --fd 4 --fd-name sessions 3</dev/null 4</dev/zero; exit $?`;
		const shell = startPeer("sh", ["-c", call], { env });
		const { text, pid, count } = await next();
		assert.deepEqual([text, count], ["FDSTORE=1\nFDNAME=sessions\n", 2]);
		if (IS_ROOT) assert.equal(pid, shell.pid);
		await next();
		assert.equal((await shell.ended).code, 0);
	});
});

test("a message that nobody reads is 124, and --no-wait does not wait for that", async () => {
	await withManager(async (next, env) => {
		const args = ["notify", "--ready", "--timeout", "300ms"];
		const { code, stderr } = await runProgram(args, { env });
		assert.equal(code, 124);
		assert.match(stderr, /has not read the message within 0\.3 s/);
		assert.equal((await next()).text, "READY=1\n");
		assert.equal((await runProgram(["notify", "--stopping", "--no-wait"], { env })).code, 0);
		assert.equal((await next()).text, "BARRIER=1\n");
		assert.equal((await next()).text, "STOPPING=1\n");
	});
});

test("without a service manager it says so, and is no success", async () => {
	const none = await runProgram(["notify", "--ready"], { env: { NOTIFY_SOCKET: "" } });
	assert.deepEqual([none.code, none.stdout], [1, ""]);
	assert.match(none.stderr, /NOTIFY_SOCKET is not set/);
	const gone = await runProgram(["notify", "--ready"], {
		env: { NOTIFY_SOCKET: "/nonexistent/n" },
	});
	assert.equal(gone.code, 1);
	assert.match(gone.stderr, /ENOENT/);
	// Outside of this machine, where nobody can be told in the name of another process: it is tried all the same.
	const outside = await runProgram(["notify", "--ready"], {
		env: { NOTIFY_SOCKET: "vsock-stream:2:1" },
	});
	assert.equal(outside.code, 1);
	assert.match(outside.stderr, /(connect|socket) E[A-Z]+/);
});

test("mistakes are explained, whether or not there is a service manager", async () => {
	for (const [args, message] of [
		[[], /say what there is to tell, such as --ready/],
		[["ready"], /write NAME=VALUE/],
		[["lower=1"], /A-Z/],
		[["--status", "two\nlines"], /no line break/],
		[["--status", "x".repeat(5_000)], /4096/],
		[["--pid", "0"], /--pid must be/],
		[["--errno", "x"], /--errno must be/],
		[["--fd", "77"], /no such descriptor/],
		[["--fd-name", "x", "--ready"], /goes with --fd/],
		[["--ready", "--", "ls"], /runs no program/],
	] as const) {
		const { code, stderr } = await runProgram(["notify", ...args], { env: { NOTIFY_SOCKET: "" } });
		assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
		assert.match(stderr, message);
	}
});

test("a shell script is a service of the real systemd by it", {
	skip: lackingServiceManager() || lacking("sh"),
}, async () => {
	await inFolder(async (folder) => {
		const notify = `${PROGRAM_LINE} notify`;
		writeFileSync(
			`${folder}/serve.sh`,
			[
				"trap 'ended=yes' TERM",
				`${notify} --ready --status "one thing done" || exit 9`,
				'while [ -z "$ended" ]; do sleep 0.05; done',
				`${notify} --stopping --status "the last words" || exit 9`,
				"",
			].join("\n"),
		);
		const unit = [
			"[Service]",
			"Type=notify",
			"NotifyAccess=all",
			"KillMode=process",
			`ExecStart=/bin/sh ${folder}/serve.sh`,
			`StandardError=append:${folder}/log`,
			"",
		].join("\n");
		await inFolder(async (own) => {
			const manager = await startServiceManager(own, { "script.service": unit });
			try {
				await manager.control("start", "script.service");
				assert.equal(await manager.property("script.service", "ActiveState"), "active");
				assert.equal(await manager.property("script.service", "StatusText"), "one thing done");
				await manager.control("stop", "script.service");
				const log = readFileSync(`${folder}/log`, "utf8");
				assert.equal(await manager.property("script.service", "Result"), "success", log);
			} finally {
				await manager.close();
			}
		});
	});
});
