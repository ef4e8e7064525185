/**
 * Any system call of a conversation fails, at its first, its second and a random call, in any way that its man page knows. Then either
 * nobody notices, or the conversation ends with that error; nothing hangs, spins or stays open.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SyscallError, UnsupportedError } from "socketry";
import {
	assertNoLeaks,
	type Fault,
	type FaultyCall,
	injectFaults,
	openResources,
} from "socketry/testing";
import { type ConversationKind, converse } from "../support/conversations.ts";
import { FAULT_TABLE, type FaultRow } from "./fault-table.ts";

const KINDS: readonly ConversationKind[] = [
	"tcp",
	"unix",
	"passing",
	"seqpacket",
	"passing by seqpacket",
	"udp",
	"unix-dgram",
	"passing by unix-dgram",
];
/** What the kernel never says to such a socket, or says to tell something else. */
const UNHEARD_OF: readonly string[] = [
	"udp getpeername ENOTCONN",
	"unix-dgram getpeername ENOTCONN",
	"unix-dgram connect EAGAIN",
	// What the others of its tick are told, once nobody receives them.
	"passing by unix-dgram sendmmsg ECONNREFUSED",
];
const NEVER = 1_000_000_000;
/** Processor time of a conversation, in microseconds; it takes about a hundredth of that when nothing spins. */
const CPU_US_MAX = 500_000;

for (const kind of KINDS) {
	describe(`a conversation over ${kind} survives every fault`, () => {
		for (const row of FAULT_TABLE) test(row.call, () => survives(kind, row));
	});
}

async function survives(kind: ConversationKind, row: FaultRow): Promise<void> {
	const { call, errors, unnoticed } = row;
	const count = await callsIn(kind, call);
	if (count === 0) return;
	const problems: string[] = [];
	for (const code of [...errors, ...unnoticed]) {
		if (UNHEARD_OF.includes(`${kind} ${call} ${code}`)) continue;
		const positions: Omit<Fault, "call">[] = [{ nth: 1, fail: code }];
		if (count > 1) positions.push({ nth: 2, fail: code }, { within: count, fail: code });
		for (const position of positions) {
			const problem = await problemOf(kind, row, { call, ...position });
			if (problem !== undefined) problems.push(problem);
		}
	}
	assert.deepEqual(problems, []);
}

async function callsIn(kind: ConversationKind, call: FaultyCall): Promise<number> {
	const counter = injectFaults([{ call, nth: NEVER, fail: "EIO" }]);
	try {
		await converse(kind);
		return counter.calls.get(call) ?? 0;
	} finally {
		counter.restore();
	}
}

async function problemOf(
	kind: ConversationKind,
	row: FaultRow,
	fault: Fault,
): Promise<string | undefined> {
	const before = openResources();
	const cpu = process.cpuUsage();
	const faults = injectFaults([fault]);
	let failure: unknown;
	try {
		await converse(kind);
	} catch (error) {
		failure = error;
	} finally {
		faults.restore();
	}
	try {
		// How many calls a conversation takes varies with how fast the other end is: what comes after the first may not come.
		if (fault.nth === 1) faults.assertAllHit();
		if (failure !== undefined) assertExpected(failure, row, fault.fail as string);
		const { user, system } = process.cpuUsage(cpu);
		assert.ok(user + system < CPU_US_MAX, `${user + system} us of processor time`);
		await assertNoLeaks(before, { graceMs: 10_000 });
		return undefined;
	} catch (error) {
		return `${JSON.stringify(fault)} (seed ${faults.seed}): ${(error as Error).message}`;
	}
}

function assertExpected(failure: unknown, { syscalls, unnoticed }: FaultRow, code: string): void {
	assert.ok(!unnoticed.includes(code), `it was noticed: ${String(failure)}`);
	// An option that is not there has an error of its own.
	if (code === "ENOPROTOOPT" && failure instanceof UnsupportedError) return;
	assert.ok(failure instanceof SyscallError, `not a SyscallError: ${String(failure)}`);
	assert.equal(failure.code, code === "EOPNOTSUPP" ? "ENOTSUP" : code);
	assert.ok(syscalls.includes(failure.syscall), `it was said to be of ${failure.syscall}`);
}
