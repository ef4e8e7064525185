/** Four processes that want one path, over and over: SOCKETRY_RACES says how often. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type Listener, listen, type Stream } from "socketry";
import { socket } from "socketry/socket";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENCE_MS, PATIENT } from "../support/patience.ts";

const RACES = Number(process.env["SOCKETRY_RACES"] ?? 200);
const RACERS = 4;
/** A server that is about to listen under the same last name, wherever, would leave it in doubt whether the dead one is dead. */
const NAME = `raced-${process.pid}`;
const isRoot = process.getuid?.() === 0;
/** Only root can give files to a group that it is not in. */
const GROUP = isRoot ? 65_534 : (process.getgid?.() ?? 0);
const RACES_MS = PATIENCE_MS + RACES * 1_000;
/** Enough for all to be told of the start before it. */
const HEAD_START_MS = 1.5;

type Policy = "error" | "replace-dead" | "replace";

/** What is there when the race begins, and what each racer wants. */
interface Kind {
	readonly name: string;
	readonly policies: readonly Policy[];
	/** A file of the dead, of one who lives, or of one who leaves at this moment. */
	readonly before?: "dead" | "live" | "leaving";
	/** Whether those who own something from the race before give it up at this moment. */
	readonly isRestart?: boolean;
}

const all = (policy: Policy): readonly Policy[] => Array<Policy>(RACERS).fill(policy);
const MIXED: readonly Policy[] = ["replace", "replace", "replace-dead", "error"];
const KINDS: readonly Kind[] = [
	{ name: "nobody was there", policies: all("replace-dead") },
	{ name: "a dead one was there", policies: all("replace-dead"), before: "dead" },
	{ name: "one leaves", policies: all("replace-dead"), before: "leaving" },
	{ name: "all replace each other", policies: all("replace") },
	{ name: "all replace each other again", policies: all("replace"), isRestart: true },
	{ name: "each as it likes", policies: MIXED },
	{ name: "each as it likes again", policies: MIXED, isRestart: true },
	{ name: "a dead one is replaced as each likes", policies: MIXED, before: "dead" },
	{ name: "one who leaves is replaced as each likes", policies: MIXED, before: "leaving" },
	{ name: "one who lives is replaced", policies: MIXED, before: "live" },
];

test(`in ${RACES} races of four processes exactly one owns the path, and nobody else gets in`, {
	timeout: RACES_MS + PATIENCE_MS,
}, async () => {
	await inFolder(async (outer) => {
		const folder = join(outer, "run");
		mkdirSync(folder);
		const watcher = startChild(new URL("./socket-file-watch.child.js", import.meta.url), {
			args: [folder, String(GROUP)],
			timeoutMs: RACES_MS,
		});
		assert.equal(await watcher.line(), "ready");
		await withRacers(async (racers) => {
			for (let i = 0; i < RACES; i++) await race(racers, join(folder, NAME), i);
			await tell(racers, () => "stop");
			await Promise.all(racers.map(answer));
		});
		assert.deepEqual(readdirSync(folder), []);
		writeFileSync(`${folder}.stop`, "");
		const { sightings, wrong } = JSON.parse(await watcher.line());
		assert.deepEqual(wrong, []);
		assert.ok(sightings > RACES, `only ${sightings} sightings`);
		await watcher.ended;
	});
});

async function withRacers(body: (racers: readonly Stream[]) => Promise<void>): Promise<void> {
	const control = await listen(`unix:${abstractName()}`);
	const { abstract } = control.address as { abstract: string };
	const children: Child[] = [];
	const racers: Stream[] = [];
	try {
		for (let i = 0; i < RACERS; i++) {
			const args = [abstract, String(i), String(GROUP)];
			const script = new URL("./racer.child.js", import.meta.url);
			children.push(startChild(script, { args, timeoutMs: RACES_MS }));
		}
		for (let i = 0; i < RACERS; i++) {
			const racer = await control.accept(PATIENT);
			racers[Number(await answer(racer))] = racer;
		}
		await body(racers);
		await tell(racers, () => "end");
		for (const child of children) {
			const { code, stderr } = await child.ended;
			assert.equal(code, 0, stderr);
		}
	} finally {
		for (const each of racers) each.abort();
		control.close();
		for (const child of children) child.process.kill("SIGKILL");
	}
}

async function race(racers: readonly Stream[], path: string, number: number): Promise<void> {
	const kind = KINDS[number % KINDS.length] as Kind;
	const { before, policies, isRestart = false } = kind;
	const what = `race ${number}, ${kind.name}`;
	if (!isRestart) {
		await tell(racers, () => "stop");
		await Promise.all(racers.map(answer));
		assert.ok(!existsSync(path), `${what}: the last owner has left its file`);
	}
	if (before === "dead") leaveDead(path);
	const isThere = before === "live" || before === "leaving";
	const former = isThere ? await listen(`unix:${path}`, { mode: 0o660, group: GROUP }) : undefined;
	const at = Date.now() + HEAD_START_MS;
	// Whoever is told last must not always be the same.
	const shifted = (i: number): Policy => policies[(i + number) % RACERS] as Policy;
	await tell(racers, (i) => `start ${path} ${shifted(i)} ${at}`);
	if (before === "leaving") await leaveAt(former as Listener<Stream>, at);
	const answers = await Promise.all(racers.map(answer));
	try {
		await assertOneOwner(path, racers, answers, kind, what);
	} finally {
		former?.close();
	}
	if (before === "live") await assertOneOwner(path, racers, answers, kind, what);
}

async function assertOneOwner(
	path: string,
	racers: readonly Stream[],
	answers: readonly string[],
	{ policies, before, isRestart = false }: Kind,
	what: string,
): Promise<void> {
	const said = `${what}: ${answers.join(", ")}`;
	const owners = answers.flatMap((text, i) => (text.startsWith("owner") ? [i] : []));
	for (const [i, text] of answers.entries()) {
		if (!owners.includes(i)) assert.equal(text, "EADDRINUSE", said);
	}
	const canReplace = policies.includes("replace");
	const isAlone = !canReplace && before !== "live";
	// Who lost while another was leaving may have lost to the one who left: then nobody owns the path.
	const mayBeNone = !canReplace && (before === "leaving" || isRestart);
	if (isAlone) assert.ok(owners.length === 1 || (mayBeNone && owners.length === 0), said);
	if (owners.length === 0) return assert.ok(!existsSync(path), said);
	const visible = await ask(path);
	const [index, generation] = visible.split(" ");
	assert.equal(answers[Number(index)], `owner ${generation}`, `${said}; but ${visible} answers`);
	// Those who were replaced leave, and take nothing with them.
	const replaced = owners.filter((i) => i !== Number(index));
	await tell(racers, () => "stop", replaced);
	for (const i of replaced) assert.equal(await answer(racers[i] as Stream), "stopped");
	assert.equal(await ask(path), visible, said);
	assert.deepEqual(readdirSync(join(path, "..")), [NAME], said);
}

/** Who serves the path: its number and which of its listeners. */
async function ask(path: string): Promise<string> {
	const client = await connect(`unix:${path}`, PATIENT);
	try {
		await client.write("who?");
		await client.closeWrite();
		let name = "";
		for await (const chunk of client) name += String(chunk);
		return name;
	} finally {
		await client.close();
	}
}

async function leaveAt(former: Listener<Stream>, at: number): Promise<void> {
	while (performance.timeOrigin + performance.now() < at);
	former.close();
}

/** Leaves a file as somebody does who was killed. */
function leaveDead(path: string): void {
	const server = socket("unix", "stream");
	const { fchmodSync, chownSync } = process.getBuiltinModule("node:fs");
	fchmodSync(server.fd, 0o600);
	server.bind({ family: "unix", path });
	chownSync(path, process.getuid?.() ?? 0, GROUP);
	server.listen();
	server.close();
}

async function tell(
	racers: readonly Stream[],
	command: (index: number) => string,
	only: readonly number[] = racers.map((_, i) => i),
): Promise<void> {
	const told = only.map((i) => racers[i] as Stream);
	for (const i of only) void racers[i]?.write(`${command(i)}\n`);
	await Promise.all(told.map((each) => each.flush()));
}

async function answer(racer: Stream): Promise<string> {
	return String(await racer.readUntil("\n", PATIENT)).trim();
}
