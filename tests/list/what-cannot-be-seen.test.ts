/** What is listed by who may not see everything, and in other namespaces, and what is said of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, formatAddress, listen } from "socketry";
import { type ListedSocket, listSockets } from "socketry/list";
import { injectFaults } from "socketry/testing";
import { NOBODY } from "../identity/callers.ts";
import { startChild } from "../support/children.ts";
import { lackingNetworks } from "../support/network.ts";
import { abstractName } from "../support/pairs.ts";
import { lacking, lackingAnotherUser } from "../support/programs.ts";
import { MINE, mine, one } from "./own-sockets.ts";

const LISTER = new URL("./lister.child.js", import.meta.url);

test("where /proc hides processes, that is said", {
	skip: lackingNetworks() || lackingAnotherUser() || lacking("setpriv", "mount"),
}, async () => {
	const script = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
	const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
	const under = ["unshare", "-m", "sh", "-c", script, "sh", "setpriv", ...ids];
	const { code, stdout, stderr } = await startChild(LISTER, { args: ["list"], under }).ended;
	assert.equal(code, 0, stderr);
	const { notes } = JSON.parse(stdout) as Awaited<ReturnType<typeof listSockets>>;
	const hidden = notes.find((note) => note.code === "hidden-processes");
	assert.match(hidden?.message ?? "", /\(hidepid\): who holds .* run this as root/);
});

test("where there is no /proc, sockets are listed all the same, and that nobody is seen is said", {
	skip: lackingNetworks() || lacking("mount"),
}, async () => {
	const listener = await listen(`unix:${abstractName()}`);
	const under = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"];
	const { code, stdout, stderr } = await startChild(LISTER, { args: ["list"], under }).ended;
	assert.equal(code, 0, stderr);
	const { notes, sockets } = JSON.parse(stdout) as Awaited<ReturnType<typeof listSockets>>;
	const found = one(sockets, ({ local }) => local === formatAddress(listener.address));
	assert.deepEqual(found.holders, []);
	const blind = notes.find((note) => note.code === "hidden-processes");
	assert.match(blind?.message ?? "", /no \/proc .* who holds a socket is missing; mount it/);
	listener.close();
});

test("a listener in another network namespace is listed with its namespace", {
	skip: lackingNetworks(),
}, async () => {
	const name = abstractName();
	const under = ["unshare", "-n", "--"];
	const child = startChild(LISTER, { args: ["talk", `unix:${name}`], under });
	await child.line();
	const { sockets } = await listSockets({ pids: [child.pid] });
	const isOurs = (each: ListedSocket): boolean => each.local === `unix:${name}`;
	const listed = one(sockets, (each) => isOurs(each) && each.state === "listening");
	assert.equal(listed.state, "listening");
	assert.ok((listed.namespace ?? 0) > 0);
	child.process.kill("SIGTERM");
	assert.equal((await child.ended).code, 0);
	const own = await listen("tcp://127.0.0.1:0");
	assert.equal(one(await mine(), (each) => each.state === "listening").namespace, undefined);
	own.close();
});

test("who is not root is told what cannot be seen", {
	skip: lackingAnotherUser() || lacking("setpriv"),
}, async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
	const child = startChild(LISTER, { args: ["list"], under: ["setpriv", ...ids, "--"] });
	const { code, stdout, stderr } = await child.ended;
	assert.equal(code, 0, stderr);
	const { sockets, notes } = JSON.parse(stdout) as Awaited<ReturnType<typeof listSockets>>;
	const listed = one(sockets, (each) => each.local === formatAddress(listener.address));
	assert.deepEqual(listed.holders, []);
	assert.deepEqual([listed.uid, listed.user], [0, "root"]);
	const hidden = notes.find((note) => note.code === "hidden-processes");
	assert.match(hidden?.message ?? "", /\d+ processes of other users .* run this as root/);
	assert.ok(sockets.every(({ holders }) => holders.every(({ uid }) => uid === NOBODY)));
	listener.close();
});

test("where netlink is refused, /proc/net tells the same sockets, and what is missing is said", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const address = formatAddress(listener.address);
	const client = await connect(address);
	const server = await listener.accept();
	const path = await listen(`unix:${abstractName()}`);
	const full = await mine();
	for (const fail of ["EPERM", "EPROTONOSUPPORT"] as const) {
		const faults = injectFaults([{ call: "socket", fail, times: Number.POSITIVE_INFINITY }]);
		const { sockets, notes } = await listSockets(MINE);
		faults[Symbol.dispose]();
		const brief = ({ kind, state, inode, local }: ListedSocket): unknown => [
			kind,
			state,
			inode,
			local,
		];
		const byInode = (a: ListedSocket, b: ListedSocket): number => a.inode - b.inode;
		assert.deepEqual([...sockets].sort(byInode).map(brief), [...full].sort(byInode).map(brief));
		assert.deepEqual(
			notes.filter(({ code }) => code === "reduced").map(({ list }) => list),
			["tcp", "tcp6", "unix"],
		);
		assert.match(notes[0]?.message ?? "", new RegExp(fail));
		const near = one(sockets, (each) => each.peer?.address === address);
		assert.equal(near.peer?.holders[0]?.pid, process.pid);
		assert.equal(near.tcp, undefined);
	}
	client.abort();
	server.abort();
	listener.close();
	path.close();
});

test("when no descriptor is left for the question, that is an error and no empty list", async () => {
	const faults = injectFaults([{ call: "socket", fail: "EMFILE" }]);
	await assert.rejects(listSockets(), { code: "EMFILE", syscall: "socket" });
	faults[Symbol.dispose]();
});
