import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, type Listener, listen, type Stream } from "socketry";
import { socket } from "socketry/socket";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT } from "../support/patience.ts";

const STARTER = new URL("./starter.child.js", import.meta.url);
const STARTERS = 8;
const ROUNDS = 25;

test("of eight starters that find a dead file, or none, exactly one becomes its owner", async () => {
	await inFolder(async (folder) => {
		const control: Listener<Stream> = await listen({ transport: "unix" });
		const { abstract } = control.address as { abstract: string };
		const children: Child[] = [];
		const starters: Stream[] = [];
		try {
			for (let i = 0; i < STARTERS; i++) {
				children.push(startChild(STARTER, { args: [abstract] }));
			}
			while (starters.length < STARTERS) starters.push(await control.accept(PATIENT));
			for (let round = 0; round < ROUNDS; round++) {
				const path = join(folder, `${round}`);
				// One third each: a file of the dead, no file, and a file whose owner leaves at this moment.
				if (round % 3 === 0) leaveDead(path);
				const leaving = round % 3 === 2 ? await listen(`unix:${path}`) : undefined;
				await tell(starters, `start ${path}`);
				leaving?.close();
				await assertOneOwner(path, starters, leaving !== undefined);
			}
			await tell(starters, "end");
			for (const child of children) {
				const { code, stderr } = await child.ended;
				assert.equal(code, 0, stderr);
			}
			assert.deepEqual(readdirSync(folder), []);
		} finally {
			for (const each of starters) await each.close();
			control.close();
			for (const child of children) child.process.kill("SIGKILL");
		}
	});
});

function leaveDead(path: string): void {
	const server = socket("unix", "stream");
	server.bind({ family: "unix", path });
	server.listen();
	server.close();
}

async function tell(starters: readonly Stream[], command: string): Promise<void> {
	for (const each of starters) void each.write(`${command}\n`);
	await Promise.all(starters.map((each) => each.flush()));
}

async function answer(starter: Stream): Promise<string> {
	return String(await starter.readUntil("\n", PATIENT)).trim();
}

// Who lost while another was leaving may have lost to the one who left: then nobody owns the path.
async function assertOneOwner(
	path: string,
	starters: readonly Stream[],
	mayBeNone: boolean,
): Promise<void> {
	const answers = await Promise.all(starters.map(answer));
	const owners = answers.flatMap((text, i) => (text === "owner" ? [i] : []));
	const others = answers.filter((text) => text !== "owner");
	assert.ok(owners.length === 1 || (mayBeNone && owners.length === 0), answers.join(" "));
	assert.deepEqual(new Set(others), new Set(["EADDRINUSE"]));
	const [owner] = owners;
	if (owner !== undefined) {
		const client = await connect(`unix:${path}`);
		await client.write("who?");
		await client.closeWrite();
		assert.equal(await answer(starters[owner] as Stream), "asked");
		await client.close();
	}
	await tell(starters, "stop");
	assert.deepEqual(new Set(await Promise.all(starters.map(answer))), new Set(["stopped"]));
	assert.ok(!existsSync(path));
}

test("of four starters in one process exactly one becomes the owner of a dead file", async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "dead");
		leaveDead(path);
		const rivals = await Promise.allSettled(
			Array.from({ length: 4 }, () => listen(`unix:${path}`, { onStale: "replace-dead" })),
		);
		const won = rivals.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
		assert.equal(won.length, 1);
		for (const each of won) each.close();
		assert.deepEqual(readdirSync(folder), []);
	});
});

test("an abstract name belongs to one, and is free with its end", async () => {
	const name = abstractName();
	const first = await listen(`unix:${name}`);
	await assert.rejects(listen(`unix:${name}`, { onStale: "replace-dead" }), {
		code: "EADDRINUSE",
		message: /another socket holds this abstract name; stop it or take another name/,
	});
	first.close();
	await assert.rejects(connect(`unix:${name}`), {
		code: "ECONNREFUSED",
		message: /nobody listens on this abstract name; start the server/,
	});
	const second = await listen(`unix:${name}`);
	second.close();
});
