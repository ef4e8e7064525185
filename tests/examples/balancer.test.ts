import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, type Stream } from "socketry";
import { runChild } from "../support/children.ts";
import { PATIENT, until } from "../support/patience.ts";
import { example } from "../support/programs.ts";

const REQUEST_BYTES = 64;

test("the balancer's measurement compares three manners, and its own spreads lasting connections evenly", async () => {
	const { code, stdout, stderr } = await runChild(example("balancer/main.ts"), {
		args: ["2", "8", "0.2"],
	});
	assert.equal(code, 0, stderr);
	for (const manner of ["balancer", "cluster", "reuseport"]) {
		// The kernel may leave a worker without connections for so short a time.
		const figures = new RegExp(
			`^ *${manner} +\\d+ +[\\d.]+ +[\\d.]+ +(?:[\\d.]+|Infinity) +\\| \\d+ `,
			"m",
		);
		assert.match(stdout, figures);
	}
});

async function ask(stream: Stream): Promise<number> {
	await stream.write(new Uint8Array(REQUEST_BYTES), PATIENT);
	return (await stream.readExactly(REQUEST_BYTES, PATIENT))[0] as number;
}

test("connections go to the worker with the fewest, and past one that has died", async () => {
	const server = spawn(
		process.execPath,
		[fileURLToPath(example("balancer/serve.ts")), "balancer", "3"],
		{
			stdio: ["pipe", "pipe", "inherit"],
		},
	);
	const streams: Stream[] = [];
	const open = async (): Promise<number> => {
		const stream = (await connect(address as string, PATIENT)) as Stream;
		streams.push(stream);
		return await ask(stream);
	};
	const [address] = await once(createInterface(server.stdout), "line");
	try {
		const first = [
			await open(),
			await open(),
			await open(),
			await open(),
			await open(),
			await open(),
		];
		assert.deepEqual(first.toSorted(), [0, 0, 1, 1, 2, 2]);

		const { pid } = server;
		const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
		assert.equal(children.length, 3);
		process.kill(Number(children[1]), "SIGKILL");
		// What is in its queue at this moment would go with it.
		await until(() => !existsSync(`/proc/${children[1]}`));
		const rest = [await open(), await open(), await open(), await open()];
		assert.ok(!rest.includes(1) && rest.includes(0) && rest.includes(2), String(rest));
	} finally {
		for (const stream of streams) stream.abort();
		server.stdin.end();
		await once(server, "exit");
	}
});
