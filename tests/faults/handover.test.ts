/**
 * Any system call of a hand-over fails, of the old process or of the new one, at any of its calls. Then either the new one has everything, or the
 * old one goes on as if nothing had been: never both, never neither; and nothing stays open.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { connect, type Listener, type Stream } from "socketry";
import { takeOver } from "socketry/handover";
import {
	assertNoLeaks,
	type Fault,
	type FaultyCall,
	injectFaults,
	openResources,
} from "socketry/testing";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { FAULT_TABLE } from "./fault-table.ts";

const WAIT = { timeoutMs: 1_500 };
const NEVER = 1_000_000_000;
/** Calls of a kind that are made to fail, each in a run of its own. */
const POSITIONS_MAX = 24;

describe("a hand-over survives every fault", () => {
	for (const { call, errors, unnoticed } of FAULT_TABLE) {
		const [first = "EIO", ...others] = [...errors, ...unnoticed];
		const codes = [first, others.find((code) => code === "EMFILE" || code === "EAGAIN") ?? first];
		test(call, async () => {
			const count = await handOver({ call, nth: NEVER, fail: first });
			for (let nth = 1; nth <= Math.min(count, POSITIONS_MAX); nth++) {
				for (const fail of new Set(codes)) await handOver({ call, nth, fail });
			}
		});
	}
});

/** Returns how often the call was made. */
async function handOver(fault: Fault): Promise<number> {
	const what = JSON.stringify(fault);
	const before = openResources();
	let calls = 0;
	await inFolder(async (folder) => {
		const post = `unix-seqpacket:${folder}/post` as const;
		const sockets = { local: `unix:${folder}/local`, web: "tcp://127.0.0.1:0" } as const;
		const first = await takeOver(post, { sockets });
		const old = await first.ready();
		const offer = first.offer({ state: () => "state" }).catch(() => undefined);
		const faults = injectFaults([fault]);
		const attempt = await takeOver(post, { sockets, ...WAIT })
			.then(async (second) => ({ second, now: await second.ready(WAIT) }))
			.catch((error: unknown) => {
				assert.ok(error instanceof Error, what);
				return undefined;
			});
		calls = faults.calls.get(fault.call as FaultyCall) ?? 0;
		faults.restore();

		if (attempt === undefined)
			assert.ok(!old.local.closed && !old.web.closed, `${what}: nobody owns`);
		else await offer;
		const { local, web } = attempt?.now ?? old;
		await assertServes(local, what);
		await assertServes(web, what);
		if (attempt !== undefined) assert.ok(old.local.closed && old.web.closed, `${what}: both own`);
		await Promise.all([first.close(), attempt?.second.close()]);
		for (const each of [old.local, old.web, local, web]) each.close();
		await offer;
		assert.deepEqual(readdirSync(folder), [], what);
	});
	await assertNoLeaks(before, { graceMs: 10_000 });
	return calls;
}

async function assertServes(listener: Listener<Stream>, what: string): Promise<void> {
	try {
		const [client, server] = await Promise.all([
			connect(listener.address, PATIENT),
			listener.accept(PATIENT),
		]);
		await Promise.all([client.close(), server.close()]);
	} catch (error) {
		assert.fail(`${what}: ${String(error)}`);
	}
}
