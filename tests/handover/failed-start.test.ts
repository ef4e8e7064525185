import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { takeOver } from "socketry/handover";
import { SO_PEERPIDFD } from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";
import { EINVAL } from "#src/sys/errno.ts";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { type Child, type ChildOptions, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lacking, lineLike } from "../support/programs.ts";
import { type Old, withOld } from "./old.ts";

const NEW = new URL("./new.child.js", import.meta.url);

function startNew(old: Old, manner: string, options: ChildOptions = {}): Child {
	return startChild(NEW, { args: [manner, old.post, JSON.stringify(old.sockets)], ...options });
}

/** Each manner of failing, and what the old process is told. */
const MANNERS: readonly (readonly [manner: string, reason: string, how: RegExp])[] = [
	["exit", "ended", /^has the sockets\n 3 null/],
	["throw", "ended", /^has the sockets\n 7 null|^has the sockets\n 1 null/],
	["kill", "ended", /^has the sockets\n null SIGKILL/],
	["withdraw", "ended", /^has the sockets\n 3 null/],
	["silent", "ended", /^ 3 null/],
	["nonsense", "protocol", /^answered \{"kind":"refuse","reason":"protocol"/],
];

for (const [manner, reason, how] of MANNERS) {
	test(`a new process that fails (${manner}) changes nothing in the old one, and leaks nothing`, async () => {
		await withOld({}, async (old) => {
			await old.assertServes();
			const before = openResources();
			const child = startNew(old, manner);
			const failure = await old.failure();
			const { stdout, code, signal, stderr } = await child.ended;
			assert.match(`${stdout} ${code} ${signal}`, how, stderr);
			assert.equal(failure.code, "ERR_HANDOVER");
			assert.equal(failure.reason, reason, failure.message);
			await old.assertServes();
			await assertNoLeaks(before);
			assert.deepEqual(readdirSync(old.folder).toSorted(), ["local", "post"]);

			const good = startNew(old, "good");
			assert.equal((await old.successor)?.pid, good.pid);
			await old.assertServes();
			good.process.kill("SIGTERM");
			assert.equal((await good.ended).code, 0);
			assert.deepEqual(readdirSync(old.folder), []);
		});
	});
}

test("a new process that never gets ready is given up after its time, and told so when it comes too late", async () => {
	await withOld({ startMs: 4_000 }, async (old) => {
		const before = openResources();
		const child = startNew(old, "late");
		assert.equal(await child.line(), "has the sockets");
		assert.equal((await old.failure()).reason, "timeout");
		child.process.kill("SIGUSR2");
		assert.equal(await child.line(), "refused ERR_HANDOVER timeout");
		assert.equal((await child.ended).code, 4);
		await old.assertServes();
		await assertNoLeaks(before);
	});
});

test("while one is taking over, another one is told that it is busy, and so is one that comes before the offer", async () => {
	await withOld({}, async (old) => {
		const first = startNew(old, "hang");
		assert.equal(await first.line(), "has the sockets");
		await assert.rejects(takeOver(old.post, { sockets: {} }), {
			code: "ERR_HANDOVER",
			reason: "busy",
			message: /has just started, or another one is taking over/,
		});
		first.process.kill("SIGKILL");
		await first.ended;
		assert.equal((await old.failure()).reason, "ended");

		const second = await takeOver(old.post, { sockets: {} });
		await second.ready();
		await assert.rejects(takeOver(old.post, { sockets: {} }), { reason: "busy" });
		await second.close();
	});
});

test("whoever knocks and says nothing keeps nobody from taking over, and is told when its time is over", async () => {
	await withOld({}, async (old) => {
		const silent = await connect(old.post);
		const next = await takeOver(old.post, { sockets: {} });
		await next.ready();
		assert.match(String(await silent.receive(PATIENT)), /"kind":"refuse","reason":"timeout"/);
		await silent.close();
		await next.close();
	});
});

test("a signal that aborts before the new process is ready ends the socket that it belongs to, and no other", async () => {
	await withOld({}, async (old) => {
		const leaving = new AbortController();
		const { web, names } = old.sockets;
		const sockets = { web, names: { address: names, signal: leaving.signal } };
		const next = await takeOver(old.post, { sockets });
		leaving.abort();
		const serving = await next.ready();
		assert.deepEqual([serving.web.closed, serving.names.closed], [false, true]);
		await serving.web.close();
		await next.close();
	});
});

test("of two that start at once, when none runs yet, one serves and the other one is told that it is there", async () => {
	await withOld({}, async ({ folder }) => {
		const post = `unix-seqpacket:${folder}/other` as const;
		const starts = await Promise.allSettled(
			Array.from({ length: 4 }, () => takeOver(post, { sockets: {} })),
		);
		const won = starts.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
		const lost = starts.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
		assert.equal(won.length, 1);
		for (const error of lost) assert.equal(error.reason, "busy");
		for (const each of won) {
			await each.ready();
			await each.close();
		}
		assert.ok(!existsSync(`${folder}/other`));
	});
});

test("a new process that cannot open a socket of its own leaves everything to the old one", async () => {
	await withOld({}, async (old) => {
		const before = openResources();
		const taken = await listen("tcp://127.0.0.1:0");
		const { port } = taken.address;
		const sockets = { ...old.sockets, more: `tcp://127.0.0.1:${port}` };
		await assert.rejects(takeOver(old.post, { sockets }), { code: "EADDRINUSE" });
		assert.equal((await old.failure()).reason, "ended");
		taken.close();
		await old.assertServes();
		await assertNoLeaks(before);
	});
});

test("a new process without room for the descriptors fails, and the old one goes on", {
	skip: lacking("prlimit"),
}, async () => {
	await withOld({}, async (old) => {
		const before = openResources();
		let failures = 0;
		for (let limit = 20; ; limit++) {
			const child = startNew(old, "good", { under: ["prlimit", `--nofile=${limit}`] });
			const said = await Promise.race([child.ended, lineLike(child, /^serves$/).catch(() => {})]);
			if (Array.isArray(said)) {
				// It has just enough to start, and perhaps nothing left to accept with.
				assert.equal((await old.successor)?.pid, child.pid);
				child.process.kill("SIGTERM");
				await child.ended;
				break;
			}
			failures++;
			await old.assertServes();
			await assertNoLeaks(before);
		}
		assert.ok(failures > 0);
	});
});

test("what is no hand-over at all is refused before anything happens", async () => {
	const sockets = {};
	for (const address of ["tcp://127.0.0.1:1", "unix:/tmp/x", "unix-seqpacket:", "fd:3"]) {
		await assert.rejects(takeOver(address, { sockets }), { code: "ERR_INVALID_ADDRESS" }, address);
	}
	const post = "unix-seqpacket:/nonexistent/folder/post";
	await assert.rejects(takeOver(post, { sockets: { web: "nothing" } }), {
		code: "ERR_INVALID_ADDRESS",
	});
	await assert.rejects(
		takeOver(post, { sockets: { web: { address: "tcp://*:1", backlog: -1 } } }),
		{ code: "ERR_OUT_OF_RANGE" },
	);
	await assert.rejects(takeOver(post, { sockets }), { code: "ENOENT", syscall: "bind" });
	await assert.rejects(takeOver(post, undefined as never), { code: "ERR_INVALID_ARG_TYPE" });
	await assert.rejects(takeOver(post, { sockets: undefined as never }), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	await assert.rejects(takeOver(post, { sockets, onConnection: 1 as never }), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	await assert.rejects(takeOver(post, { sockets, signal: AbortSignal.abort() }), {
		code: "ABORT_ERR",
	});
});

test("what is no socket in the place of the post is told of at once", async () => {
	await inFolder(async (folder) => {
		writeFileSync(`${folder}/file`, "kept");
		for (const name of ["file", "."]) {
			// In less time than another process would be waited for.
			const asked = takeOver(`unix-seqpacket:${folder}/${name}`, {
				sockets: { a: "tcp://127.0.0.1:0" },
			});
			await assert.rejects(asked, { code: "EADDRINUSE" });
		}
		assert.equal(readFileSync(`${folder}/file`, "utf8"), "kept");
	});
});

test("an old process that ends while it is asked who it is counts as none", async () => {
	await withOld({}, async (old) => {
		const { getsockopt } = sys;
		let asked = 0;
		// As before Linux 6.16, when it has ended.
		sys.getsockopt = (fd, level, name, value) =>
			name === SO_PEERPIDFD && asked++ === 0 ? EINVAL : getsockopt(fd, level, name, value);
		try {
			// Here it lives, and so is asked again.
			const next = await takeOver(old.post, { sockets: {}, ...PATIENT });
			assert.deepEqual([next.predecessorPid, asked], [process.pid, 2]);
			await next.close();
		} finally {
			sys.getsockopt = getsockopt;
		}
	});
});
