import assert from "node:assert/strict";
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, listen, PeerError, socketpair } from "socketry";
import { injectFaults } from "socketry/testing";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { assertRefuses } from "../support/refusals.ts";
import { endServer, NOBODY, needsRoot, STRANGER, startServer } from "./callers.ts";

const TRANSPORTS = ["unix", "unix-seqpacket"] as const;
const me = process.geteuid?.() ?? -1;

/** Runs `body` with a folder in which everybody may make files. */
async function inPublicFolder(body: (folder: string) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		chmodSync(folder, 0o777);
		await body(folder);
	});
}

for (const transport of TRANSPORTS) {
	describe(`${transport}: connect() to an owner`, () => {
		test("reaches a socket of one's own, however the user is named", async () => {
			await inFolder(async (folder) => {
				const listener = await listen(`${transport}:${folder}/s`);
				for (const owner of ["self", me, [me, STRANGER], [STRANGER, "self"]] as const) {
					const client = await connect(listener.address, { owner });
					const server = await listener.accept();
					assert.deepEqual(client.peer, listener.address);
					await Promise.all([client.close(), server.close()]);
				}
				listener.close();
			});
		});

		test("tells whose the file is when it is another's", async () => {
			await inFolder(async (folder) => {
				const listener = await listen(`${transport}:${folder}/s`);
				const error = await assertRefuses(() => connect(listener.address, { owner: STRANGER }), {
					code: "ERR_PEER_NOT_ALLOWED",
					message: new RegExp(`The file "${folder}/s" belongs to user ${me}, but user ${STRANGER}`),
				});
				assert.ok(error instanceof PeerError);
				assert.deepEqual([error.part, error.expected, error.found], ["file", [STRANGER], me]);
				assert.equal(listener.acceptedCount, 0);
				listener.close();
			});
		});

		test("asks who listens on an abstract name", async () => {
			const listener = await listen(`${transport}:${abstractName()}`);
			const accepting = listener.accept();
			const error = await assertRefuses(
				() => connect(listener.address, { owner: [STRANGER, NOBODY] }),
				{ code: "ERR_PEER_NOT_ALLOWED", message: /Behind "@socketry.*54321 or 65534 was expected/ },
			);
			assert.equal((error as PeerError).part, "listener");
			const refused = await accepting;
			assert.equal(await ("read" in refused ? refused.read() : refused.receive()), null);
			await refused.close();
			const [client, server] = await Promise.all([
				connect(listener.address, { owner: "self" }),
				listener.accept(),
			]);
			await Promise.all([client.close(), server.close()]);
			listener.close();
		});

		test("is not led elsewhere by a symbolic link", async () => {
			await inFolder(async (folder) => {
				const listener = await listen(`${transport}:${folder}/s`);
				symlinkSync("s", join(folder, "link"));
				symlinkSync("nowhere", join(folder, "dangling"));
				mkdirSync(join(folder, "real"));
				symlinkSync("real", join(folder, "directory"));
				for (const name of ["link", "dangling"]) {
					const error = await assertRefuses(
						() => connect(`${transport}:${folder}/${name}`, { owner: "self" }),
						{ code: "ELOOP", message: /symbolic link, which the option owner does not follow/ },
					);
					assert.equal((error as { path?: string }).path, `${folder}/${name}`);
				}
				// Links on the way are the business of who may write there.
				linkSync(join(folder, "s"), join(folder, "real/s"));
				const [client, server] = await Promise.all([
					connect(`${transport}:${folder}/directory/s`, { owner: "self" }),
					listener.accept(),
				]);
				await Promise.all([client.close(), server.close()]);
				listener.close();
			});
		});

		test("fails as without an owner where there is nothing to connect to", async () => {
			await inFolder(async (folder) => {
				writeFileSync(join(folder, "file"), "");
				mkdirSync(join(folder, "directory"));
				const other = transport === "unix" ? "unix-seqpacket" : "unix";
				const listener = await listen(`${other}:${folder}/other`);
				for (const [name, code] of [
					["missing", "ENOENT"],
					["file/below", "ENOTDIR"],
					["file", "ECONNREFUSED"],
					["directory", "ECONNREFUSED"],
					["other", "EPROTOTYPE"],
				] as const) {
					const address = `${transport}:${folder}/${name}`;
					const bare = await assertRefuses(() => connect(address), { code });
					const error = await assertRefuses(() => connect(address, { owner: "self" }), { code });
					assert.equal(error.message, bare.message);
				}
				listener.close();
			});
		});

		test("tells whose the server is when another listens behind one's own file", {
			skip: needsRoot,
		}, async () => {
			await inPublicFolder(async (folder) => {
				const address = `${transport}:${folder}/s`;
				const server = await startServer({ address, uid: STRANGER });
				await assertRefuses(() => connect(address, { owner: "root" }), {
					code: "ERR_PEER_NOT_ALLOWED",
					message: /belongs to user 54321, but user 0 was expected/,
				});
				chownSync(join(folder, "s"), 0, 0);
				const error = await assertRefuses(() => connect(address, { owner: "root" }), {
					code: "ERR_PEER_NOT_ALLOWED",
					message: /Behind .* listens user 54321, but user 0 was expected/,
				});
				assert.deepEqual(
					[(error as PeerError).part, (error as PeerError).found],
					["listener", STRANGER],
				);
				const client = await connect(address, { owner: [0, STRANGER] });
				await client.close();
				await endServer(server);
			});
		});
	});
}

test("a path that is no UTF-8, a long or a relative one is reached as well", async () => {
	await inFolder(async (folder) => {
		const bytes = Buffer.from([...Buffer.from(`${folder}/`), 0xff, 0xfe]);
		const { socket } = await import("socketry/socket");
		const server = socket("unix", "stream");
		server.bind({ family: "unix", path: "", bytes } as never);
		server.listen();
		const address = { transport: "unix", path: bytes.toString(), bytes } as never;
		const client = await connect(address, { owner: "self" });
		await client.close();
		server.close();
		const deep = join(folder, "d".repeat(200));
		mkdirSync(deep);
		const far = await listen(`unix:${deep}/far-off`);
		const reached = await connect(`unix:${deep}/far-off`, { owner: "self" });
		await reached.close();
		await assertRefuses(() => connect(`unix:${deep}/far-off`, { owner: STRANGER }), {
			code: "ERR_PEER_NOT_ALLOWED",
		});
		far.close();
		const before = process.cwd();
		process.chdir(folder);
		try {
			const listener = await listen("unix:relative");
			const near = await connect("unix:relative", { owner: "self" });
			await near.close();
			listener.close();
		} finally {
			process.chdir(before);
		}
	});
});

test("a full queue is waited for, and the wait can be ended", async () => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${folder}/s`, { backlog: 0 });
		const address = `unix:${folder}/s` as const;
		const first = await connect(address, { owner: "self" });
		await assertRefuses(() => connect(address, { owner: "self", timeoutMs: 20 }), {
			code: "ERR_TIMEOUT",
		});
		const waiting = connect(address, { owner: "self" });
		const servers = [await listener.accept(), await listener.accept()];
		const second = await waiting;
		for (const each of [first, second, ...servers]) await each.close();
		listener.close();
	});
});

test("an inherited connection is looked at too, and stays its owner's when refused", async () => {
	const [left, right] = socketpair();
	const fd = left.detach().detachFd();
	await assert.rejects(connect(`fd:${fd}`, { owner: STRANGER }), {
		code: "ERR_PEER_NOT_ALLOWED",
		part: "listener",
	});
	const stream = await connect(`fd:${fd}`, { owner: "self" });
	await Promise.all([stream.close(), right.close()]);
});

test("without /proc it says so, and connects to nobody", async () => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${folder}/s`);
		const faults = injectFaults([{ call: "connect", fail: "ENOENT" }]);
		await assertRefuses(() => connect(`unix:${folder}/s`, { owner: "self" }), {
			code: "ERR_UNSUPPORTED",
			message: /needs \/proc/,
		});
		faults[Symbol.dispose]();
		listener.close();
	});
});

test("a wrong owner is refused before anything is opened", async () => {
	for (const [owner, code] of [
		[[], "ERR_INVALID_ARG_VALUE"],
		["no-such-user", "ERR_INVALID_ARG_VALUE"],
		[null, "ERR_INVALID_ARG_TYPE"],
		[{}, "ERR_INVALID_ARG_TYPE"],
		[-1, "ERR_OUT_OF_RANGE"],
		[[0, 1.5], "ERR_OUT_OF_RANGE"],
	] as const) {
		await assertRefuses(() => connect("unix:@x", { owner } as never), { code });
	}
	for (const address of ["tcp://127.0.0.1:1", "vsock://2:1"]) {
		await assertRefuses(() => connect(address, { owner: "self" }), { code: "ERR_UNSUPPORTED" });
	}
});

test("who swaps the file in a loop is never connected to", { skip: needsRoot }, async () => {
	await inPublicFolder(async (folder) => {
		const path = join(folder, "s");
		const good = await listen(`unix:${join(folder, "good")}`, { mode: 0o666 });
		const serving = (async () => {
			for await (const connection of good)
				await connection.write("root").then(() => connection.close());
		})();
		const swapper = await startSwapper(folder);
		const answers = new Map<string, number>();
		const seen = (answer: string): number => answers.get(answer) ?? 0;
		// How often each file is met depends on the scheduler: until both were met often enough.
		for (let i = 0; i < 3_000 || (i < 60_000 && Math.min(seen("root"), seen("file")) <= 50); i++) {
			const answer = await ask(path);
			answers.set(answer, seen(answer) + 1);
		}
		await endServer(swapper);
		good.close();
		await serving;
		const told = JSON.stringify([...answers]);
		for (const answer of answers.keys()) {
			assert.ok(["root", "file", "ELOOP", "ENOENT", "ECONNREFUSED"].includes(answer), told);
		}
		assert.ok(seen("root") > 50 && seen("file") > 50, told);
	});
});

/** A process of another user that puts its own socket, a link to it, and a link to root's in the place, again and again. */
async function startSwapper(folder: string): Promise<Child> {
	const child = startChild(new URL("./swapper.child.js", import.meta.url), {
		args: [folder, String(STRANGER)],
		timeoutMs: 600_000,
	});
	assert.equal(await child.line(), "swapping");
	return child;
}

/** Who answers, or why nobody does. */
async function ask(path: string): Promise<string> {
	try {
		const stream = await connect(`unix:${path}`, { owner: "root" });
		try {
			return String(await stream.read());
		} finally {
			await stream.close();
		}
	} catch (error) {
		return error instanceof PeerError ? error.part : String((error as { code?: string }).code);
	}
}
