import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type Address, connect, type Stream } from "socketry";
import { type Child, runChild, startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENCE_MS, PATIENT, until } from "../support/patience.ts";

const SERVER = new URL("./overload-server.child.js", import.meta.url);
const EXHAUSTED = new URL("./exhausted.child.js", import.meta.url);
const FEW = ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"];
const CLIENTS = 100;
const ROUNDS = 3;
/** Descriptors that a server may have opened for itself meanwhile. */
const OWN = 8;
/** Who spins does so each time. */
const KNOCKS = 5;
/** How long a server is watched that cannot accept, and what it may use of that. */
const WATCH_MS = 1_000;
const CPU_MS = 300;

interface Report {
	readonly code: string;
	readonly refused: number;
	readonly acceptedCount: number;
	readonly refusedCount: number;
}

/** A client that was served, or undefined for one that was refused. */
async function visit(address: Address): Promise<Stream | undefined> {
	let stream: Stream | undefined;
	try {
		// The reset may be there before it is seen that it was connected.
		stream = (await connect(address)) as Stream;
		await stream.write("hello");
		assert.equal(String(await stream.readExactly(5, PATIENT)), "hello");
		return stream;
	} catch (error) {
		const { code = "" } = error as { code?: string };
		assert.match(code, /^(ERR_END_OF_STREAM|ECONNRESET|EPIPE)$/);
		stream?.abort();
		return undefined;
	}
}

async function visitAll(address: Address, count: number): Promise<Stream[]> {
	const visits = await Promise.all(Array.from({ length: count }, () => visit(address)));
	return visits.filter((each) => each !== undefined);
}

/** Processor time of a process so far, in milliseconds; proc(5), stat. */
function cpuMs(pid: number): number {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) * 10;
}

function descriptorsOf({ pid }: Child): number {
	return readdirSync(`/proc/${pid}/fd`).length;
}

/** Keeps knocking at a server that has nothing free, and tells what that costs it. */
async function knock(address: Address, { pid }: Child): Promise<number> {
	const before = cpuMs(pid);
	const end = performance.now() + WATCH_MS;
	while (performance.now() < end) {
		const served = await visitAll(address, 3);
		assert.equal(served.length, 0);
	}
	return cpuMs(pid) - before;
}

for (const [kind, address] of [
	["TCP", "tcp://127.0.0.1:0"],
	["Unix", `unix:${abstractName()}`],
]) {
	test(`a server without descriptors refuses, says so, does not spin, and recovers (${kind})`, async () => {
		const server = startChild(SERVER, { under: FEW, args: [address as string] });
		try {
			const to = JSON.parse(await server.line()) as Address;
			const idle = descriptorsOf(server);
			let refused = 0;
			let accepted = 0;
			for (let round = 0; round < ROUNDS; round++) {
				const served = await visitAll(to, CLIENTS);
				accepted += served.length;
				refused += CLIENTS - served.length;
				assert.ok(served.length >= 10, `${served.length} served`);
				assert.ok(served.length < 64, `${served.length} served`);
				// Those who got in are served as before.
				for (const stream of served) {
					await stream.write("again");
					assert.equal(String(await stream.readExactly(5)), "again");
				}
				if (round === 0) {
					let used = await knock(to, server);
					for (let again = 1; again < KNOCKS && used >= CPU_MS; again++) {
						used = Math.min(used, await knock(to, server));
					}
					assert.ok(used < CPU_MS, `${used} ms of ${WATCH_MS}`);
				}
				await Promise.all(served.map((stream) => stream.close()));
				await until(() => descriptorsOf(server) <= idle + OWN);
			}
			const afterwards = await visitUntilServed(to);
			await afterwards.close();
			server.process.kill("SIGTERM");
			const { stdout } = await server.ended;
			checkReports(reportsIn(stdout), refused, accepted);
		} finally {
			server.process.kill("SIGKILL");
			await server.ended;
		}
	});
}

// A server that has just closed its last connections may still pause.
async function visitUntilServed(address: Address): Promise<Stream> {
	const deadline = performance.now() + PATIENCE_MS;
	while (performance.now() < deadline) {
		const stream = await visit(address);
		if (stream !== undefined) return stream;
	}
	throw new Error("the server has not recovered");
}

function reportsIn(stdout: string): Report[] {
	const lines = stdout.trim().split("\n").slice(1);
	return lines.map((line) => JSON.parse(line) as Report);
}

function checkReports(reports: readonly Report[], refused: number, accepted: number): void {
	assert.ok(reports.length > 0, "nobody was told of the overload");
	let sum = 0;
	for (const report of reports) {
		assert.equal(report.code, "EMFILE");
		sum += report.refused;
		assert.equal(report.refusedCount, sum);
	}
	assert.ok(sum >= refused, `${sum} told, ${refused} seen`);
	assert.ok((reports.at(-1) as Report).acceptedCount <= accepted);
}

test("without descriptors everything fails with EMFILE, and works again when there are some", async () => {
	const { code, stderr, timedOut } = await runChild(EXHAUSTED, { under: FEW });
	assert.deepEqual({ code, stderr, timedOut }, { code: 0, stderr: "", timedOut: false });
});
