import assert from "node:assert/strict";
import {
	chmodSync,
	chownSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
	connect,
	datagrams,
	type Listener,
	type ListenOptions,
	listen,
	type OpenDatagramsOptions,
	type Stream,
} from "socketry";
import { socket } from "socketry/socket";
import { injectFaults } from "socketry/testing";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { assertRefuses } from "../support/refusals.ts";

const isRoot = process.getuid?.() === 0;
const forRoot = { skip: isRoot ? false : "only root may give files away" };
const NOBODY = 65_534;
const POOR = new URL("./socket-file-poor.child.js", import.meta.url);

async function serve(listener: Listener<Stream>): Promise<void> {
	for await (const stream of listener) stream.abort();
}

function looks(path: string): { uid: number; gid: number; mode: string } {
	const { uid, gid, mode } = lstatSync(path);
	return { uid, gid, mode: (mode & 0o7777).toString(8) };
}

/** What the umask of this process leaves of 0777. */
function usualMode(): string {
	const [, umask = ""] = /^Umask:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
	return (0o777 & ~Number.parseInt(umask, 8)).toString(8);
}

describe("owner and group", () => {
	test("the file belongs to whom it is given, by number and by name", forRoot, async () => {
		const [, , gid = ""] = /^daemon:(.*):(\d+):/m.exec(readFileSync("/etc/group", "utf8")) ?? [];
		for (const [owner, group] of [
			[NOBODY, NOBODY],
			["nobody", "daemon"],
		] as const) {
			await inFolder(async (folder) => {
				const path = join(folder, "socket");
				const wanted = { uid: NOBODY, gid: group === "daemon" ? Number(gid) : NOBODY };
				const stream = await listen(`unix:${path}`, { owner, group, mode: 0o660 });
				assert.deepEqual(looks(path), { ...wanted, mode: "660" });
				stream.close();
				const packets = await listen(`unix-seqpacket:${path}`, { owner });
				assert.deepEqual(looks(path), { uid: NOBODY, gid: 0, mode: usualMode() });
				packets.close();
				const socket = await datagrams(`unix-dgram:${path}`, { group, mode: 0 });
				assert.deepEqual(looks(path), { uid: 0, gid: wanted.gid, mode: "0" });
				await socket.close();
				assert.deepEqual(readdirSync(folder), []);
			});
		}
	});

	test("its own user and group can be named by everybody", async () => {
		await inFolder(async (folder) => {
			const owner = process.getuid?.();
			const group = process.getgid?.();
			const listener = await listen(`unix:${folder}/socket`, { owner, group, mode: 0o600 });
			assert.deepEqual(looks(join(folder, "socket")), { uid: owner, gid: group, mode: "600" });
			listener.close();
		});
	});

	test("whoever may not give files away is told so, and no file stays", forRoot, async () => {
		await inFolder(async (folder) => {
			chmodSync(folder, 0o777);
			const { code, stderr } = await startChild(POOR, { args: [folder] }).ended;
			assert.equal(code, 0, stderr);
			assert.deepEqual(readdirSync(folder), []);
		});
	});

	test("a user or a group that does not exist is refused before anything is made", async () => {
		await inFolder(async (folder) => {
			for (const transport of ["unix", "unix-dgram"]) {
				const open = (address: string, options: ListenOptions & OpenDatagramsOptions) =>
					transport === "unix" ? listen(address, options) : datagrams(address, options);
				await assertRefuses(() => open(`${transport}:${folder}/s`, { owner: "no such user" }), {
					code: "ERR_INVALID_ARG_VALUE",
					message: /"owner" must be the name of a user in \/etc\/passwd/,
				});
				await assertRefuses(() => open(`${transport}:${folder}/s`, { group: "no such group" }), {
					code: "ERR_INVALID_ARG_VALUE",
					message: /"group" must be the name of a group in \/etc\/group/,
				});
				for (const owner of [-1, 4_294_967_295, 1.5]) {
					await assertRefuses(() => open(`${transport}:${folder}/s`, { owner }), {
						code: "ERR_OUT_OF_RANGE",
					});
				}
			}
			// Also where there is no file.
			await assertRefuses(() => listen("tcp://127.0.0.1:0", { owner: "no such user" }), {
				code: "ERR_INVALID_ARG_VALUE",
			});
			assert.deepEqual(readdirSync(folder), []);
		});
	});
});

describe("makeDirectory", () => {
	const makeDirectory = true;

	test("a directory that is missing is made for us alone", async () => {
		await inFolder(async (folder) => {
			const listener = await listen(`unix:${folder}/run/socket`, { makeDirectory });
			assert.equal(looks(join(folder, "run")).mode, "700");
			await (await connect(`unix:${folder}/run/socket`)).close();
			listener.close();
			assert.deepEqual(readdirSync(join(folder, "run")), []);
			// It stays, and is good enough for the next one.
			const socket = await datagrams(`unix-dgram:${folder}/run/other`, { makeDirectory });
			await socket.close();
		});
	});

	test("one for another owner belongs to him", forRoot, async () => {
		await inFolder(async (folder) => {
			const options = { makeDirectory, owner: NOBODY, mode: 0o600 };
			const listener = await listen(`unix:${folder}/run/socket`, options);
			assert.deepEqual(looks(join(folder, "run")), { uid: NOBODY, gid: 0, mode: "700" });
			listener.close();
			const second = await listen(`unix:${folder}/run/socket`, options);
			second.close();
		});
	});

	test("only the last directory of the path is made", async () => {
		await inFolder(async (folder) => {
			await assertRefuses(() => listen(`unix:${folder}/a/b/socket`, { makeDirectory }), {
				code: "ENOENT",
				message: /mkdir ENOENT .*\/a\/b: the directory above it does not exist/,
			});
			writeFileSync(join(folder, "file"), "");
			await assertRefuses(() => listen(`unix:${folder}/file/socket`, { makeDirectory }), {
				code: "ENOTDIR",
			});
			assert.deepEqual(readdirSync(folder), ["file"]);
		});
	});

	test("one that others may write to is refused, unless it is sticky", async () => {
		await inFolder(async (folder) => {
			const run = join(folder, "run");
			mkdirSync(run);
			for (const [mode, who] of [
				[0o770, /mode is 0770, so that its group could replace.*chmod go-w/],
				[0o702, /mode is 0702, so that everybody could replace/],
				[0o777, /mode is 0777, so that everybody/],
				[0o2775, /mode is 2775, so that its group/],
			] as const) {
				chmodSync(run, mode);
				const error = await assertRefuses(() => listen(`unix:${run}/socket`, { makeDirectory }), {
					code: "ERR_UNSAFE_PATH",
					message: who,
				});
				assert.equal((error as { path?: string }).path, run);
			}
			for (const mode of [0o700, 0o755, 0o1777, 0o1770]) {
				chmodSync(run, mode);
				(await listen(`unix:${run}/socket`, { makeDirectory })).close();
			}
			assert.deepEqual(readdirSync(run), []);
		});
	});

	test("one of another user is refused, and a link of another user", forRoot, async () => {
		await inFolder(async (folder) => {
			const [theirs, link, own] = ["theirs", "link", "own"].map((name) => join(folder, name)) as [
				string,
				string,
				string,
			];
			mkdirSync(theirs, 0o700);
			chownSync(theirs, NOBODY, NOBODY);
			mkdirSync(own, 0o700);
			symlinkSync(own, link);
			(await listen(`unix:${link}/socket`, { makeDirectory })).close();
			const { execFileSync } = process.getBuiltinModule("node:child_process");
			execFileSync("chown", ["-h", String(NOBODY), link]);
			for (const refused of [theirs, link]) {
				await assertRefuses(() => listen(`unix:${refused}/socket`, { makeDirectory }), {
					code: "ERR_UNSAFE_PATH",
					message: /belongs to user 65534, who could replace the socket file/,
				});
			}
			symlinkSync(theirs, join(folder, "another"));
			await assertRefuses(() => listen(`unix:${folder}/another/socket`, { makeDirectory }), {
				code: "ERR_UNSAFE_PATH",
			});
			// Whose file it shall be may own the directory.
			const options = { makeDirectory, owner: NOBODY };
			(await listen(`unix:${theirs}/socket`, options)).close();
		});
	});
});

describe('onStale: "replace"', () => {
	const onStale = "replace";

	test("a new listener takes the place of a live one, which goes on without a name", async () => {
		await inFolder(async (folder) => {
			const address = `unix:${folder}/socket` as const;
			const old = await listen(address);
			const before = await connect(address);
			const fresh = await listen(address, { onStale, mode: 0o600 });
			assert.deepEqual(fresh.address, { transport: "unix", path: `${folder}/socket` });
			assert.equal(looks(`${folder}/socket`).mode, "600");
			const after = await connect(address);
			assert.deepEqual(after.peer, fresh.address);
			const [first, second] = await Promise.all([old.accept(), fresh.accept()]);
			assert.deepEqual(second.address, fresh.address);
			await Promise.all([before.write("old"), after.write("new")]);
			assert.equal(String(await first.readExactly(3)), "old");
			assert.equal(String(await second.readExactly(3)), "new");
			old.close();
			await (await connect(address)).close();
			for (const each of [before, after, first, second]) each.abort();
			fresh.close();
			assert.deepEqual(readdirSync(folder), []);
		});
	});

	test("dead files are replaced too, and none is needed", async () => {
		await inFolder(async (folder) => {
			const path = join(folder, "socket");
			(await listen(`unix-seqpacket:${path}`, { onStale })).close();
			const dead = socket("unix", "dgram");
			dead.bind({ family: "unix", path });
			dead.close();
			const listener = await listen(`unix-seqpacket:${path}`, { onStale });
			await (await connect(`unix-seqpacket:${path}`)).close();
			listener.close();
			assert.deepEqual(readdirSync(folder), []);
		});
	});

	test("datagram sockets take over as well, under the name that they are answered to", async () => {
		await inFolder(async (folder) => {
			const address = `unix-dgram:${folder}/socket`;
			const old = await datagrams(address);
			const fresh = await datagrams(address, { onStale });
			const client = await datagrams(`unix-dgram:${folder}/client`);
			await client.send("question", address);
			const { from } = await fresh.receive();
			await fresh.send("answer", from);
			assert.deepEqual((await client.receive()).from, {
				transport: "unix-dgram",
				path: `${folder}/socket`,
			});
			await Promise.all([old.close(), fresh.close(), client.close()]);
			assert.deepEqual(readdirSync(folder), []);
		});
	});

	test("what is no socket is left as it is", async () => {
		await inFolder(async (folder) => {
			const path = join(folder, "precious");
			writeFileSync(path, "precious");
			symlinkSync("precious", join(folder, "link"));
			mkdirSync(join(folder, "directory"));
			for (const name of ["precious", "link", "directory"]) {
				for (const open of [
					() => listen(`unix:${folder}/${name}`, { onStale }),
					() => datagrams(`unix-dgram:${folder}/${name}`, { onStale }),
				]) {
					await assertRefuses(open, { code: "EADDRINUSE" });
				}
			}
			assert.equal(readFileSync(path, "utf8"), "precious");
			assert.deepEqual(readdirSync(folder).sort(), ["directory", "link", "precious"]);
		});
	});

	test("a listener that fails to start leaves the old one in its place", async () => {
		await inFolder(async (folder) => {
			const address = `unix:${folder}/socket` as const;
			const old = await listen(address);
			{
				using _ = injectFaults([{ call: "listen", fail: "EADDRINUSE" }]);
				await assertRefuses(() => listen(address, { onStale }), { code: "EADDRINUSE" });
			}
			const client = await connect(address);
			await (await old.accept()).close();
			await client.close();
			old.close();
			assert.deepEqual(readdirSync(folder), []);
		});
	});

	test("at no moment a client finds nobody", async () => {
		await inFolder(async (folder) => {
			const address = `unix:${folder}/socket` as const;
			const served: Promise<void>[] = [];
			const start = async (): Promise<Listener<Stream>> => {
				const listener = await listen(address, { onStale });
				served.push(serve(listener));
				return listener;
			};
			let current = await start();
			let connected = 0;
			let isOver = false;
			const clients = [1, 2, 3].map(async () => {
				while (!isOver) {
					await (await connect(address)).close();
					connected++;
					await new Promise(setImmediate);
				}
			});
			for (let i = 0; i < 200 || (i < 20_000 && connected <= 50); i++) {
				const next = await start();
				await new Promise(setImmediate);
				current.close();
				current = next;
			}
			isOver = true;
			await Promise.all(clients);
			assert.ok(connected > 50, String(connected));
			current.close();
			await Promise.all(served);
			assert.deepEqual(readdirSync(folder), []);
		});
	});

	test("remains of a starter that was killed are cleared away", async () => {
		await inFolder(async (folder) => {
			const path = join(folder, "socket");
			const left = socket("unix", "stream");
			left.bind({ family: "unix", path: join(folder, ".socket.socketry-new") });
			left.close();
			writeFileSync(join(folder, ".socket.socketry-lock"), "");
			const listener = await listen(`unix:${path}`, { onStale });
			listener.close();
			assert.deepEqual(readdirSync(folder), []);
		});
	});
});

test("a lock that another process holds is waited for, and then given up", async () => {
	await inFolder(async (folder) => {
		const holder = startChild(new URL("./socket-file-lock.child.js", import.meta.url), {
			args: [join(folder, ".socket.socketry-lock")],
		});
		assert.equal(await holder.line(), "held");
		const begin = performance.now();
		await assertRefuses(() => listen(`unix:${folder}/socket`, { onStale: "replace" }), {
			code: "EADDRINUSE",
		});
		assert.ok(performance.now() - begin > 900);
		// Who replaces nothing needs no lock in the end. Closing leaves the file to whoever holds it.
		const listener = await listen(`unix:${folder}/socket`);
		listener.close();
		assert.ok(existsSync(join(folder, "socket")));
		holder.process.kill("SIGKILL");
		await holder.ended;
		const second = await listen(`unix:${folder}/socket`, { onStale: "replace-dead" });
		second.close();
		assert.deepEqual(readdirSync(folder), []);
	});
});

test("a mode that is not written in octal is refused, and the error shows how to write it", async () => {
	await inFolder(async (folder) => {
		for (const [mode, code] of [
			[660, "ERR_OUT_OF_RANGE"],
			[-1, "ERR_OUT_OF_RANGE"],
			[1.5, "ERR_OUT_OF_RANGE"],
			["0660" as unknown as number, "ERR_INVALID_ARG_TYPE"],
		] as const) {
			await assert.rejects(listen(`unix:${folder}/socket`, { mode }), {
				code,
				message: /"mode" must be an integer from 0 to 0o777, written with 0o as in 0o660, but is /,
			});
		}
		assert.deepEqual(readdirSync(folder), []);
	});
});

test("without locks of files sockets can be made and removed, but not replaced", async () => {
	await inFolder(async (folder) => {
		using _ = injectFaults([{ call: "flock", fail: "ENOLCK", times: Number.POSITIVE_INFINITY }]);
		const listener = await listen(`unix:${folder}/socket`);
		for (const onStale of ["replace", "replace-dead"] as const) {
			await assertRefuses(() => listen(`unix:${folder}/socket`, { onStale }), {
				code: ["ENOLCK", "EADDRINUSE"],
			});
		}
		assert.deepEqual(readdirSync(folder), ["socket"]);
		listener.close();
		assert.deepEqual(readdirSync(folder), []);
	});
});
