import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { describe, test } from "node:test";
import {
	anyone,
	connect,
	datagrams,
	groups,
	listen,
	type PeerCredentials,
	type PeerPolicy,
	type RefusedPeer,
	sameUser,
	users,
} from "socketry";
import { socket } from "socketry/socket";
import { runChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { assertRefuses } from "../support/refusals.ts";
import { call, NOBODY, needsRoot, STRANGER } from "./callers.ts";
import { connectTo, withServer } from "./hello.ts";

const GROUP = 43_210;
const TRANSPORTS = ["unix", "unix-seqpacket"] as const;

/** Runs `body` with the address of a socket file that everybody can reach. */
async function withPublicPath(
	transport: string,
	body: (address: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		chmodSync(folder, 0o755);
		await body(`${transport}:${folder}/s`);
	});
}

for (const transport of TRANSPORTS) {
	describe(`${transport}: who may connect`, { skip: needsRoot }, () => {
		const table: readonly [
			name: string,
			allow: PeerPolicy | undefined,
			who: object,
			isLetIn: boolean,
		][] = [
			["nobody but root and the own user, with sameUser()", sameUser(), { uid: STRANGER }, false],
			["root, with sameUser()", sameUser(), {}, true],
			["everybody, with anyone()", anyone(), { uid: STRANGER }, true],
			["everybody who can open the file, without a policy", undefined, { uid: STRANGER }, true],
			["a user by number", users([1, STRANGER]), { uid: STRANGER }, true],
			["a user by name", users(["nobody"]), { uid: NOBODY }, true],
			["no other user", users(["nobody", 1]), { uid: STRANGER }, false],
			["not even root, if it is not listed", users(["nobody"]), {}, false],
			["a group by number", groups([GROUP]), { uid: STRANGER, gid: GROUP }, true],
			["a supplementary group", groups([GROUP]), { uid: STRANGER, groups: [1, GROUP] }, true],
			["a group by name", groups(["daemon"]), { uid: STRANGER, gid: 1 }, true],
			["no other group", groups([GROUP]), { uid: STRANGER, gid: 1, groups: [2] }, false],
			["whom a function says", ({ uid }) => uid === STRANGER, { uid: STRANGER }, true],
			["nobody whom it does not", ({ uid }) => uid !== STRANGER, { uid: STRANGER }, false],
		];
		for (const [name, allow, who, isLetIn] of table) {
			test(name, async () => {
				await withPublicPath(transport, async (address) => {
					const options = allow === undefined ? {} : { allow };
					await withServer(address, { ...options, mode: 0o666 }, async (listener) => {
						assert.equal(await call({ address, ...who }), isLetIn ? "hello" : null);
						assert.equal(listener.refusedPeersCount, isLetIn ? 0 : 1);
						assert.equal(listener.acceptedCount, isLetIn ? 1 : 0);
						assert.equal(listener.refusedCount, 0);
					});
				});
			});
		}

		test("an abstract name is for the own user and root, unless anyone() is asked for", async () => {
			const address = `${transport}:${abstractName()}`;
			await withServer(address, {}, async (listener) => {
				assert.equal(await call({ address, uid: STRANGER }), null);
				assert.equal(await call({ address }), "hello");
				assert.equal(listener.refusedPeersCount, 1);
			});
			await withServer(address, { allow: anyone() }, async () => {
				assert.equal(await call({ address, uid: STRANGER }), "hello");
			});
		});

		test("a name that the kernel chose is an abstract one too", async () => {
			await withServer({ transport } as never, {}, async (listener) => {
				const { abstract } = listener.address as { abstract: string };
				assert.equal(await call({ address: `${transport}:@${abstract}`, uid: STRANGER }), null);
			});
		});

		test("so is an abstract name that came with an inherited descriptor", async () => {
			const name = abstractName();
			const raw = socket("unix", transport === "unix" ? "stream" : "seqpacket");
			raw.bind({ family: "unix", abstract: name.slice(1) });
			raw.listen();
			await withServer(`fd:${raw.detachFd()}`, {}, async (listener) => {
				assert.equal(await call({ address: `${transport}:${name}`, uid: STRANGER }), null);
				assert.equal(await call({ address: `${transport}:${name}` }), "hello");
				assert.equal(listener.refusedPeersCount, 1);
			});
		});

		test("one who is refused learns it at once, also with bytes unread", async () => {
			await withPublicPath(transport, async (address) => {
				const options = { allow: () => false, mode: 0o666 };
				await withServer(address, options, async () => {
					const refused = await call({ address, uid: STRANGER, greeting: "let me in" });
					if (refused !== null)
						assert.match((refused as { code: string }).code, /ECONNRESET|EPIPE/);
				});
			});
		});

		test("onRefused is told who it was, once the connection is closed", async () => {
			await withPublicPath(transport, async (address) => {
				const refusals: RefusedPeer[] = [];
				const options = {
					allow: users(["nobody"]),
					mode: 0o666,
					onRefused: (refused: RefusedPeer) => refusals.push(refused),
				};
				await withServer(address, options, async () => {
					await call({ address, uid: STRANGER, gid: GROUP, groups: [3] });
				});
				const [{ peer, error } = {} as RefusedPeer] = refusals;
				assert.equal(refusals.length, 1);
				assert.equal(error, undefined);
				assert.deepEqual({ ...peer, pid: 0 }, { pid: 0, uid: STRANGER, gid: GROUP, groups: [3] });
			});
		});
	});
}

test("sameUser() follows the user that the process has when the client comes", {
	skip: needsRoot,
}, async () => {
	const allow = sameUser();
	const peer = { pid: 1, uid: STRANGER, gid: 0, groups: [] };
	assert.equal(allow(peer), false);
	process.seteuid?.(STRANGER);
	try {
		assert.equal(allow(peer), true);
	} finally {
		process.seteuid?.(0);
	}
});

test("10,000 refused peers leave no descriptor and do not hold up who is let in", async () => {
	let admitted = 0;
	const listener = await listen(`unix:${abstractName()}`, {
		backlog: 4_096,
		allow: () => admitted > 0,
	});
	const accepting = listener.accept();
	for (let round = 0; round < 100; round++) {
		const clients = await Promise.all(Array.from({ length: 100 }, () => connectTo(listener)));
		await Promise.all(clients.map(async (client) => assert.equal(await client.read(), null)));
		await Promise.all(clients.map((client) => client.close()));
	}
	assert.equal(listener.refusedPeersCount, 10_000);
	admitted++;
	const client = await connectTo(listener);
	const server = await accepting;
	await Promise.all([client.close(), server.close()]);
	listener.close();
});

test("peers are refused also when no descriptor is left, and all are counted", async () => {
	const { code, stderr } = await runChild(
		new URL("./out-of-descriptors.child.js", import.meta.url),
		{
			under: ["prlimit", "--nofile=64:64"],
			args: [abstractName()],
		},
	);
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("peers that vanish at once are judged as they were", async () => {
	const peers: PeerCredentials[] = [];
	const listener = await listen(`unix:${abstractName()}`, {
		allow: (peer) => peers.push(peer) % 2 === 0,
	});
	for (let i = 0; i < 10; i++) (await connectTo(listener)).abort();
	for (let i = 0; i < 5; i++) {
		const server = await listener.accept();
		assert.equal(server.peerCredentials.pid, process.pid);
		assert.equal(await server.read(), null);
		await server.close();
	}
	assert.deepEqual([listener.acceptedCount, listener.refusedPeersCount], [5, 5]);
	listener.close();
});

test("a wrong policy is refused before anything is opened", async () => {
	await assertRefuses(() => listen("unix:@x", { allow: "me" } as never), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	for (const [list, code] of [
		[[], "ERR_INVALID_ARG_VALUE"],
		[["no-such-user"], "ERR_INVALID_ARG_VALUE"],
		[["0"], "ERR_INVALID_ARG_VALUE"],
		[["root:x"], "ERR_INVALID_ARG_VALUE"],
		[[""], "ERR_INVALID_ARG_VALUE"],
		[[-1], "ERR_OUT_OF_RANGE"],
		[[4_294_967_295], "ERR_OUT_OF_RANGE"],
		[[0.5], "ERR_OUT_OF_RANGE"],
		[[null], "ERR_INVALID_ARG_TYPE"],
		["root", "ERR_INVALID_ARG_TYPE"],
	] as const) {
		await assertRefuses(() => users(list as never), { code });
		await assertRefuses(() => groups(list as never), { code });
	}
});

test("other transports refuse the option, whatever it would allow", async () => {
	for (const address of ["tcp://127.0.0.1:0", "tcp://*:0", "vsock://4294967295:1024"]) {
		for (const options of [{ allow: anyone() }, { onRefused: () => {} }]) {
			await assertRefuses(() => listen(address, options), {
				code: "ERR_UNSUPPORTED",
				message: /only unix: and unix-seqpacket:/,
			});
		}
	}
});

test("an inherited listener of another transport stays its owner's when it is given a policy", async () => {
	const raw = socket("inet", "stream");
	raw.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	raw.listen();
	const fd = raw.detachFd();
	await assert.rejects(listen(`fd:${fd}`, { allow: anyone() }), { code: "ERR_UNSUPPORTED" });
	const listener = await listen(`fd:${fd}`);
	listener.close();
});

test("datagrams have no policy, and say where to look instead", async () => {
	for (const address of ["unix-dgram:@x", "udp://127.0.0.1:0"]) {
		await assertRefuses(() => datagrams(address, { allow: sameUser() } as never), {
			code: "ERR_INVALID_ARG_VALUE",
			message: /datagrams have no connection; ask for receiveCredentials/,
		});
	}
	await assertRefuses(() => listen("unix-dgram:@x", { allow: sameUser() }), {
		code: "ERR_INVALID_ADDRESS",
		message: /use datagrams\(\)/,
	});
});

test("what looks like credentials in an address is part of the path", async () => {
	await inFolder(async (folder) => {
		const address = `unix:${folder}/x;uid=0;` as const;
		const listener = await listen(address, { allow: users([STRANGER]) });
		const accepting = listener.accept().catch(() => undefined);
		const client = await connect(address);
		assert.equal(await client.read(), null);
		await client.close();
		listener.close();
		await accepting;
	});
});
