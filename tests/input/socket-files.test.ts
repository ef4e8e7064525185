import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
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
import { type SocketType, socket } from "socketry/socket";
import { startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { assertRefuses } from "../support/refusals.ts";

const serve = (address: string, options?: ListenOptions) => listen(address, options);
const reach = (address: string) => connect(address);

/** Each transport that has socket files: how to open one there, how to reach it, and its socket type. */
const KINDS = {
	unix: { open: serve, reach, type: "stream" },
	"unix-seqpacket": { open: serve, reach, type: "seqpacket" },
	"unix-dgram": {
		open: (address: string, options?: OpenDatagramsOptions) => datagrams(address, options),
		reach: (address: string) => datagrams(undefined, { connect: address }),
		type: "dgram",
	},
} as const;

const POLICIES = ["error", "replace-dead"] as const;

/** Leaves a socket file behind, as a process that was killed does. */
function leaveDead(path: string, type: SocketType = "stream"): void {
	const server = socket("unix", type);
	server.bind({ family: "unix", path });
	if (type !== "dgram") server.listen();
	server.close();
}

function identity(path: string): string {
	const { dev, ino, mode, size } = lstatSync(path);
	return `${dev} ${ino} ${mode} ${size}`;
}

for (const [transport, { open, reach, type }] of Object.entries(KINDS)) {
	describe(transport, () => {
		test("a dead file refuses who connects and who listens, and stays", async () => {
			await inFolder(async (folder) => {
				const path = join(folder, "dead");
				leaveDead(path, type);
				const before = identity(path);
				const error = await assertRefuses(() => reach(`${transport}:${path}`), {
					code: "ECONNREFUSED",
					message: /no process listens on it; start the server/,
				});
				assert.equal((error as { path?: string }).path, path);
				await assertRefuses(() => open(`${transport}:${path}`), {
					code: "EADDRINUSE",
					message: /replace-dead/,
				});
				assert.equal(identity(path), before);
			});
		});

		test("a dead file is replaced when that is asked for", async () => {
			await inFolder(async (folder) => {
				const path = join(folder, "dead");
				leaveDead(path, type);
				const opened = await open(`${transport}:${path}`, { onStale: "replace-dead" });
				const client = await reach(`${transport}:${path}`);
				await client.close();
				await opened.close();
				assert.deepEqual(readdirSync(folder), []);
			});
		});

		test("a live server keeps its file", async () => {
			await inFolder(async (folder) => {
				const path = join(folder, "live");
				const live = await open(`${transport}:${path}`);
				const before = identity(path);
				for (const onStale of POLICIES) {
					await assertRefuses(() => open(`${transport}:${path}`, { onStale }), {
						code: "EADDRINUSE",
						message: /the file exists: a server has it/,
					});
				}
				assert.equal(identity(path), before);
				const client = await reach(`${transport}:${path}`);
				await client.close();
				await live.close();
			});
		});

		test("what is no socket is never touched", async () => {
			await inFolder(async (folder) => {
				writeFileSync(join(folder, "file"), "precious");
				mkdirSync(join(folder, "directory"));
				leaveDead(join(folder, "dead"), type);
				symlinkSync("dead", join(folder, "link"));
				symlinkSync("nowhere", join(folder, "dangling"));
				execFileSync("mkfifo", [join(folder, "pipe")]);
				const names = readdirSync(folder).sort();
				const before = names.map((name) => identity(join(folder, name)));
				for (const name of names.filter((each) => each !== "dead")) {
					for (const onStale of POLICIES) {
						await assertRefuses(() => open(`${transport}:${join(folder, name)}`, { onStale }), {
							code: "EADDRINUSE",
						});
					}
				}
				assert.deepEqual(
					names.map((name) => identity(join(folder, name))),
					before,
				);
				assert.equal(readFileSync(join(folder, "file"), "utf8"), "precious");
			});
		});

		test("the file of a successor is left alone", async () => {
			await inFolder(async (folder) => {
				const path = join(folder, "socket");
				const first = await open(`${transport}:${path}`);
				unlinkSync(path);
				const second = await open(`${transport}:${path}`);
				const before = identity(path);
				await first.close();
				assert.equal(identity(path), before);
				renameSync(path, join(folder, "moved"));
				writeFileSync(path, "another");
				await second.close();
				assert.equal(readFileSync(path, "utf8"), "another");
			});
		});

		test("a file of another type of socket is alive, be it asked by the wrong one", async () => {
			await inFolder(async (folder) => {
				const path = join(folder, "live");
				const other = socket("unix", type === "dgram" ? "stream" : "dgram");
				other.bind({ family: "unix", path });
				if (type === "dgram") other.listen();
				await assertRefuses(() => reach(`${transport}:${path}`), {
					code: "EPROTOTYPE",
					message: /another type; try unix:, unix-dgram: or unix-seqpacket:/,
				});
				await assertRefuses(() => open(`${transport}:${path}`, { onStale: "replace-dead" }), {
					code: "EADDRINUSE",
				});
				assert.ok(existsSync(path));
				other.close();
			});
		});
	});
}

test("a server between bind and listen is not taken for dead, by whichever path", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "soon");
		symlinkSync(folder, join(folder, "link"));
		const before = process.cwd();
		for (const bound of [path, "soon", join(folder, "link", "soon")]) {
			process.chdir(folder);
			const server = socket("unix", "stream");
			server.bind({ family: "unix", path: bound });
			process.chdir(before);
			const file = identity(path);
			for (const tried of [path, join(folder, "link", "soon")]) {
				await assertRefuses(() => listen(`unix:${tried}`, { onStale: "replace-dead" }), {
					code: "EADDRINUSE",
				});
			}
			assert.equal(identity(path), file);
			server.listen();
			await (await connect(`unix:${path}`)).close();
			server.close();
			unlinkSync(path);
		}
	});
});

test("a server of another directory that is about to listen under the same name is waited for", async (t) => {
	await inFolder(async (folder) => {
		const path = join(folder, "dead");
		leaveDead(path);
		const { readFileSync: read } = fs;
		let looks = 0;
		// As it stands in the list: bound, by a path from wherever its process is.
		const silent = "0000000000000000: 00000002 00000000 00000000 0001 01 1 dead\n";
		t.mock.method(fs, "readFileSync", (...call: Parameters<typeof read>) => {
			const list = read(...call);
			return call[0] === "/proc/net/unix" && ++looks < 4 ? `${list}${silent}` : list;
		});
		syncBuiltinESMExports();
		try {
			const listener = await listen(`unix:${path}`, { onStale: "replace-dead" });
			listener.close();
		} finally {
			t.mock.restoreAll();
			syncBuiltinESMExports();
		}
		assert.equal(looks, 4);
	});
});

test("somebody else's connections of a dead server do not keep its file alive", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "dead");
		const server = socket("unix", "stream");
		server.bind({ family: "unix", path });
		server.listen();
		const client = await connect(`unix:${path}`);
		const accepted = await server.accept();
		server.close();
		const listener = await listen(`unix:${path}`, { onStale: "replace-dead" });
		listener.close();
		accepted.close();
		await client.close();
	});
});

test("a missing file, a missing directory and a file on the way say so", async () => {
	await inFolder(async (folder) => {
		writeFileSync(join(folder, "file"), "");
		await assertRefuses(() => connect(`unix:${folder}/none`), {
			code: "ENOENT",
			message: /no socket file is there; start the server, or check the path/,
		});
		for (const onStale of POLICIES) {
			await assertRefuses(() => listen(`unix:${folder}/none/socket`, { onStale }), {
				code: "ENOENT",
				message: /the directory of the socket file does not exist; create it first/,
			});
			await assertRefuses(() => listen(`unix:${folder}/file/socket`, { onStale }), {
				code: "ENOTDIR",
				message: /a part of the path is not a directory/,
			});
		}
		assert.deepEqual(readdirSync(folder), ["file"]);
	});
});

test("a relative path stays that of its directory, wherever the process goes", async () => {
	await inFolder(async (folder) => {
		const before = process.cwd();
		process.chdir(folder);
		let listener: Listener<Stream>;
		try {
			listener = await listen("unix:here");
		} finally {
			process.chdir(before);
		}
		assert.ok(existsSync(join(folder, "here")));
		listener.close();
		assert.deepEqual(readdirSync(folder), []);
	});
});

test("a path that is no UTF-8 is bound, replaced and removed by its bytes", async () => {
	await inFolder(async (folder) => {
		const bytes = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x41])]);
		const address = { transport: "unix", path: String(bytes), bytes } as const;
		const names = (): string[] => readdirSync(folder, "latin1");
		const first = await listen(address, { mode: 0o640 });
		assert.deepEqual(names(), ["\u00ff\u00feA"]);
		assert.equal(lstatSync(bytes).mode & 0o777, 0o640);
		await (await connect(address)).close();
		first.close();
		assert.deepEqual(names(), []);
		const server = socket("unix", "stream");
		server.bind({ family: "unix", path: String(bytes), bytes });
		server.close();
		const second = await listen(address, { onStale: "replace-dead" });
		await (await connect(address)).close();
		second.close();
		assert.deepEqual(names(), []);
	});
});

test("a connection removes the file that it was bound to, and one that fails does too", async () => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${folder}/server`);
		const client = await connect(`unix:${folder}/server`, {
			localAddress: `unix:${folder}/client`,
		});
		const accepted = await listener.accept();
		assert.deepEqual(accepted.peer, { transport: "unix", path: `${folder}/client` });
		assert.deepEqual(readdirSync(folder).sort(), ["client", "server"]);
		await client.close();
		await accepted.close();
		assert.deepEqual(readdirSync(folder), ["server"]);
		listener.close();
		await assertRefuses(
			() => connect(`unix:${folder}/server`, { localAddress: `unix:${folder}/client` }),
			{ code: "ENOENT" },
		);
		assert.deepEqual(readdirSync(folder), []);
	});
});

test("what fails after the file was made takes the file away", async () => {
	await inFolder(async (folder) => {
		const prepare = (prepared: { listen(): void; close(): void }): void => prepared.close();
		await assertRefuses(() => listen(`unix:${folder}/socket`, { prepare }), { code: "ERR_CLOSED" });
		await assertRefuses(
			() => datagrams(`unix-dgram:${folder}/socket`, { connect: `unix-dgram:${folder}/none` }),
			{ code: "ENOENT" },
		);
		assert.deepEqual(readdirSync(folder), []);
	});
});

/** Sightings of a file that are enough, and the time after which fewer are, in milliseconds. */
const SIGHTINGS = 5_000;
const WATCH_MS = 3_000;

const BINDER = new URL("./binder.child.js", import.meta.url);

for (const umask of ["000", "022", "077"]) {
	for (const mode of ["600", "666", "000"]) {
		test(`a file has mode ${mode} and never a bit more, under umask ${umask}`, async () => {
			await inFolder(async (folder) => {
				const wanted = Number.parseInt(mode, 8);
				const child = startChild(BINDER, { args: [folder, umask, mode] });
				assert.equal(await child.line(), "ready");
				const seen = watchModes(join(folder, "socket"));
				writeFileSync(join(folder, "stop"), "");
				const { code, stderr } = await child.ended;
				assert.equal(code, 0, stderr);
				assert.ok(seen.size > 0, "no file was seen");
				for (const each of seen) assert.equal(each & ~wanted, 0, each.toString(8));
				if (umask === "000") assert.deepEqual([...seen], [wanted]);
				assert.deepEqual(readdirSync(folder), ["stop"]);
			});
		});
	}
}

/** Every mode that a file has while another process makes and removes it. */
function watchModes(path: string): Set<number> {
	const seen = new Set<number>();
	const start = performance.now();
	const isOver = (sightings: number): boolean => {
		const ms = performance.now() - start;
		return sightings >= SIGHTINGS || ms > (sightings > 0 ? WATCH_MS : PATIENCE_MS);
	};
	for (let sightings = 0; !isOver(sightings); ) {
		const found = lstatSync(path, { throwIfNoEntry: false });
		if (found === undefined) continue;
		seen.add(found.mode & 0o777);
		sightings++;
	}
	return seen;
}

const NOBODY = new URL("./nobody.child.js", import.meta.url);
const isRoot = process.getuid?.() === 0;

test("without permission nothing is opened, and the text says which", {
	skip: isRoot ? false : "only root can become somebody who lacks permissions",
}, async () => {
	await inFolder(async (folder) => {
		chmodSync(folder, 0o755);
		const stream = await listen(`unix:${folder}/stream`, { mode: 0o600 });
		const packets = await listen(`unix-seqpacket:${folder}/packets`, { mode: 0o600 });
		const datagram = await datagrams(`unix-dgram:${folder}/datagram`, { mode: 0o600 });
		mkdirSync(join(folder, "closed"), { mode: 0o700 });
		leaveDead(join(folder, "dead"));
		chmodSync(join(folder, "dead"), 0o600);
		const { code, stdout, stderr } = await startChild(NOBODY, { args: [folder] }).ended;
		assert.equal(code, 0, stderr + stdout);
		assert.ok(existsSync(join(folder, "dead")));
		stream.close();
		packets.close();
		await datagram.close();
	});
});
