import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { describe, test } from "node:test";
import { connect, type Listener, type Stream } from "socketry";
import { takeOver } from "socketry/handover";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { lineLike } from "../support/programs.ts";
import { withOld } from "./old.ts";

const STEPS = new URL("./steps.child.js", import.meta.url);

/** After which words of the new process it is killed. */
const OF_THE_NEW = [
	"connecting",
	"hello",
	"welcome",
	"socket 1",
	"socket 2",
	"socket 3",
	"the state",
	"ready",
	"yours",
	"mine",
];

describe("a new process that is killed", () => {
	for (const [i, what] of OF_THE_NEW.entries()) {
		const isTooLate = what === "mine";
		const name = `after ${what} ${isTooLate ? "has taken everything with it" : "leaves everything as it was"}`;
		test(name, async () => {
			await withOld({ state: () => "state" }, async (old) => {
				const before = openResources();
				const child = startChild(STEPS, { args: ["new", old.post, String(i + 1)] });
				await lineLike(child, new RegExp(`^killed after ${what}$`));
				assert.equal((await child.ended).signal, "SIGKILL");
				if (isTooLate) {
					assert.equal((await old.successor)?.pid, child.pid);
					assert.ok(old.web.closed);
					return;
				}
				const { reason } = await old.failure();
				assert.equal(reason, "ended");
				await old.assertServes();
				await assertNoLeaks(before);
				assert.deepEqual(readdirSync(old.folder).toSorted(), ["local", "post"]);
			});
		});
	}
});

/** After which of its words the old process is killed, and what the new one has then. */
const OF_THE_OLD: readonly (readonly [what: string, outcome: "alone" | "error" | "heir"])[] = [
	["accepting", "alone"],
	["hello", "alone"],
	["welcome", "error"],
	["one of two sockets", "error"],
	["both sockets", "error"],
	["the state", "heir"],
	["ready", "heir"],
	["yours", "heir"],
	["mine", "heir"],
];

describe("when the old process is killed", () => {
	for (const [i, [what, outcome]] of OF_THE_OLD.entries()) {
		const name = {
			alone: "before it has given anything, the new one opens its own sockets",
			error: "in the middle of giving, the new one fails",
			heir: "after it has given everything, the new one serves",
		}[outcome];
		test(`after ${what}: ${name}`, async () => {
			await inFolder(async (folder) => {
				const before = openResources();
				const args = ["old", `unix-seqpacket:${folder}/post`, String(i + 1), `${folder}/local`];
				const child = startChild(STEPS, { args });
				assert.equal(await child.line(), "listens");
				const inode = statSync(`${folder}/local`).ino;
				if (outcome === "error") await assertFails(folder, child);
				else await assertTakesOver(folder, child, outcome === "heir" ? inode : undefined);
				assert.match((await child.ended).stdout, new RegExp(`killed after ${what}\n$`));
				await assertNoLeaks(before);
			});
		});
	}
});

async function assertFails(folder: string, child: Child): Promise<void> {
	await assert.rejects(start(folder), { code: "ERR_HANDOVER", reason: "ended" });
	await child.ended;
	// Nobody serves now, so that the next start begins anew.
	const handover = await start(folder);
	assert.equal(handover.predecessorPid, undefined);
	await handover.close();
	assert.deepEqual(readdirSync(folder), []);
}

/** @param inode of the socket file, when it has to be the inherited one */
async function assertTakesOver(
	folder: string,
	child: Child,
	inode: number | undefined,
): Promise<void> {
	const handover = await start(folder);
	assert.equal(handover.predecessorPid, inode === undefined ? undefined : child.pid);
	const { local } = await handover.ready(PATIENT);
	if (inode !== undefined) {
		assert.equal(String(handover.state), "state");
		assert.equal(statSync(`${folder}/local`).ino, inode);
	}
	await assertServes(local);
	await handover.close();
	local.close();
	assert.ok(!existsSync(`${folder}/local`));
	assert.deepEqual(readdirSync(folder), []);
}

async function start(folder: string) {
	const sockets = {
		local: { address: `unix:${folder}/local`, onStale: "replace-dead" },
	} as const;
	return await takeOver(`unix-seqpacket:${folder}/post`, { sockets, ...PATIENT });
}

async function assertServes(listener: Listener<Stream>): Promise<void> {
	const [client, server] = await Promise.all([
		connect(listener.address, PATIENT),
		listener.accept(PATIENT),
	]);
	await Promise.all([client.close(), server.close()]);
}
