/**
 * Many `socketry listen` and `socketry relay` that want one path at once, some of which are killed: SOCKETRY_RACES says how often, up to 100. Each process
 * runs one command after another, so that starting it takes no time.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, type Datagrams, datagrams, type PacketStream, type Stream } from "socketry";
import { inFolder } from "../support/folder.ts";
import { PATIENCE_MS, PATIENT, until } from "../support/patience.ts";
import { find, lacking } from "../support/programs.ts";

// Whoever is refused looks through all processes for the one to name, which takes its time.
const RACES = Math.min(Number(process.env["SOCKETRY_RACES"] ?? 10), 100);
const RACERS = 3;
const KILL_EVERY = 5;
const CHILD = fileURLToPath(new URL("./racer.child.js", import.meta.url));
const KINDS = ["unix", "unix-seqpacket", "unix-dgram"] as const;

type Kind = (typeof KINDS)[number];

/** A process that runs one command after another. */
class Racer {
	readonly #child: ChildProcess;
	readonly #answers: string[] = [];
	#wake: (() => void) | undefined;

	constructor() {
		const { NODE_TEST_CONTEXT: _, ...env } = process.env;
		const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
		this.#child = spawn(process.execPath, [CHILD], { stdio: [...stdio], env });
		this.#child.on("message", (answer: string) => {
			this.#answers.push(answer);
			this.#wake?.();
		});
		this.#child.once("exit", () => {
			this.#answers.push("gone");
			this.#wake?.();
		});
	}

	/** Begins a command; ends the one that runs when there is none. */
	tell(args: readonly string[]): void {
		this.#child.send(args);
	}

	async answer(): Promise<string> {
		while (this.#answers.length === 0) {
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
		return this.#answers.shift() as string;
	}

	async kill(): Promise<void> {
		const ended = once(this.#child, "exit");
		this.#child.kill("SIGKILL");
		await ended;
	}
}

async function startRacers(): Promise<Racer[]> {
	const racers = Array.from({ length: RACERS }, () => new Racer());
	for (const racer of racers) assert.equal(await racer.answer(), "ready");
	return racers;
}

/** Sends a word to whoever serves the address, and returns what comes back. */
async function ask(kind: Kind, path: string): Promise<string> {
	const connection =
		kind === "unix-dgram"
			? await datagrams(undefined, { connect: `${kind}:${path}` })
			: ((await connect(`${kind}:${path}`, PATIENT)) as Stream | PacketStream);
	if ("write" in connection) await connection.write("word");
	else await connection.send("word");
	const reply = await receive(connection);
	await connection.close();
	return reply;
}

async function receive(connection: Stream | PacketStream | Datagrams): Promise<string> {
	if ("write" in connection) return String(await connection.readExactly(4, PATIENT));
	if ("receiveMessage" in connection)
		return String(Buffer.from((await connection.receive(PATIENT)) ?? []));
	return String(Buffer.from((await connection.receive(PATIENT)).data));
}

/** Has all of them start at once. Returns who owns the path; the others must have been refused by 3. */
async function race(racers: readonly Racer[], commands: readonly string[][]): Promise<number[]> {
	for (const [i, racer] of racers.entries()) racer.tell(commands[i] as string[]);
	const answers = await Promise.all(racers.map((racer) => racer.answer()));
	for (const answer of answers) assert.match(answer, /^(owner|failed with 3)$/);
	return answers.flatMap((answer, i) => (answer === "owner" ? [i] : []));
}

function commandsFor(kind: Kind, path: string, echo: string, number: number): string[][] {
	return Array.from({ length: RACERS }, (_, i) =>
		(i + number) % 2 === 0
			? ["listen", `${kind}:${path}`, "--echo"]
			: ["relay", `${kind}:${path}`, `${kind}:${echo}`],
	);
}

test(`in ${RACES} races one serves, the others are refused, the dead are replaced, and nothing is left`, {
	timeout: PATIENCE_MS + RACES * 5_000,
}, async (t: TestContext) => {
	await inFolder(async (outer) => {
		const folder = `${outer}/run`;
		mkdirSync(folder);
		const path = `${folder}/socket`;
		const echoes = await startRacers();
		for (const [i, kind] of KINDS.entries()) {
			echoes[i]?.tell(["listen", `${kind}:${outer}/${kind}`, "--echo"]);
			assert.equal(await echoes[i]?.answer(), "owner");
		}
		const racers = await startRacers();
		let killed = 0;
		for (let i = 0; i < RACES; i++) {
			const kind = KINDS[Math.floor(i / 2) % KINDS.length] as Kind;
			const owners = await race(racers, commandsFor(kind, path, `${outer}/${kind}`, i));
			assert.equal(owners.length, 1, `race ${i}: ${owners.length} own the path`);
			assert.equal(await ask(kind, path), "word");
			assert.deepEqual(readdirSync(folder), ["socket"]);
			const owner = owners[0] as number;
			if (i % KILL_EVERY === 0 && i < RACES - 1) {
				await racers[owner]?.kill();
				killed++;
				assert.equal(existsSync(path), true);
				racers[owner] = new Racer();
				assert.equal(await racers[owner]?.answer(), "ready");
			} else {
				racers[owner]?.tell([]);
				assert.match((await racers[owner]?.answer()) ?? "", /^ended with \d+$/);
				assert.deepEqual(readdirSync(folder), []);
			}
		}
		t.diagnostic(`${killed} were killed`);
		await Promise.all([...racers, ...echoes].map((racer) => racer.kill()));
	});
});

const OTHERS: readonly (readonly [
	kind: Kind,
	program: string,
	args: (path: string) => string[],
])[] = [
	["unix", "socat", (path) => [`UNIX-LISTEN:${path},fork`, "EXEC:cat"]],
	["unix", "nc.openbsd", (path) => ["-lkU", path]],
	["unix-seqpacket", "socat", (path) => [`UNIX-LISTEN:${path},type=5,fork`, "EXEC:cat"]],
	["unix-dgram", "socat", (path) => [`UNIX-RECVFROM:${path},fork`, "PIPE"]],
];

for (const [kind, program, argsOf] of OTHERS) {
	test(`nobody takes the path of a living ${program} (${kind}), everybody that of a dead one`, {
		skip: lacking(program),
	}, async () => {
		await inFolder(async (folder) => {
			const path = `${folder}/socket`;
			const echo = `${folder}/echo`;
			const other = spawn(find(program) as string, argsOf(path), {
				stdio: ["pipe", "ignore", "inherit"],
				env: { ...process.env, LD_PRELOAD: "" },
			});
			const ended = once(other, "exit");
			await until(() => existsSync(path));
			const { ino } = lstatSync(path);
			const racers = await startRacers();
			assert.deepEqual(await race(racers, commandsFor(kind, path, echo, 0)), []);
			assert.equal(lstatSync(path).ino, ino);
			if (program === "socat") assert.equal(await ask(kind, path), "word");
			other.kill("SIGKILL");
			await ended;
			const commands = Array(RACERS).fill(["listen", `${kind}:${path}`, "--echo"]);
			const [owner, ...more] = await race(racers, commands);
			assert.deepEqual(more, []);
			assert.equal(await ask(kind, path), "word");
			racers[owner as number]?.tell([]);
			assert.match((await racers[owner as number]?.answer()) ?? "", /^ended/);
			assert.equal(existsSync(path), false);
			await Promise.all(racers.map((racer) => racer.kill()));
		});
	});
}
