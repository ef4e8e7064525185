import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { Agent, get } from "node:http";
import { test } from "node:test";
import { connect, type Stream } from "socketry";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT, until } from "../support/patience.ts";
import { example, lineLike, stop } from "../support/programs.ts";

test("the echo server restarts on SIGHUP, and its connections do not notice", async (t) => {
	await inFolder(async (folder) => {
		const args = [`unix-seqpacket:${folder}/post`, `unix:${folder}/echo`];
		const server = startChild(example("handover-echo/server.ts"), { args });
		// Its successors write to the same output, in any order.
		const lines: string[] = [];
		const said = async (pattern: RegExp): Promise<string> => {
			for (;;) {
				const found = lines
					.map((each) => pattern.exec(each)?.[1])
					.find((each) => each !== undefined);
				if (found !== undefined) return found;
				lines.push(await server.line());
			}
		};
		let pid = Number(await said(/^(\d+) serves /));
		const client: Stream = await connect(`unix:${folder}/echo`);
		t.after(() => {
			for (const each of new Set(lines.map((line) => Number.parseInt(line, 10)))) kill(each);
		});
		for (let i = 0; i < 3; i++) {
			process.kill(pid, "SIGHUP");
			const next = await said(new RegExp(`^${pid} handed over to (\\d+), with 1 connections$`));
			await said(new RegExp(`^(${pid}) ends, 0 connections were cut off$`));
			await said(new RegExp(`^(${next}) serves `));
			pid = Number(next);
			await client.write("still there?");
			assert.equal(String(await client.readExactly(12, PATIENT)), "still there?");
		}
		await client.close();
		process.kill(pid, "SIGTERM");
		await said(new RegExp(`^(${pid}) ends`));
		await server.ended;
		assert.ok(!existsSync(`${folder}/post`) && !existsSync(`${folder}/echo`));
	});
});

function kill(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch {
		// It has ended.
	}
}

/** Requests that never rest, on connections that are kept alive and on new ones. */
class Requests {
	readonly failures: string[] = [];
	readonly answered = new Map<string, number>();
	#isOver = false;
	readonly #clients: Promise<void>[];
	readonly #agents = [new Agent({ keepAlive: true, maxSockets: 4 }), new Agent()];

	constructor(port: number) {
		this.#clients = [0, 0, 0, 0, 1, 1].map((i) => this.#run(port, this.#agents[i] as Agent));
	}

	async stop(): Promise<void> {
		this.#isOver = true;
		await Promise.all(this.#clients);
		for (const agent of this.#agents) agent.destroy();
	}

	async #run(port: number, agent: Agent): Promise<void> {
		while (!this.#isOver) {
			try {
				const answer = await request(port, agent);
				this.answered.set(answer, (this.answered.get(answer) ?? 0) + 1);
			} catch (error) {
				this.failures.push(String(error));
			}
		}
	}
}

function request(port: number, agent: Agent): Promise<string> {
	return new Promise((resolve, reject) => {
		get({ host: "127.0.0.1", port, agent }, (response) => {
			let body = "";
			response.setEncoding("utf8").on("data", (text: string) => {
				body += text;
			});
			response.on("end", () => resolve(body)).on("error", reject);
		}).on("error", reject);
	});
}

test("the web server restarts under load, and no request fails", async (t) => {
	await inFolder(async (folder) => {
		const children: Child[] = [];
		t.after(() => {
			for (const child of children) child.process.kill("SIGKILL");
		});
		const start = async (): Promise<[Child, number]> => {
			const args = [`unix-seqpacket:${folder}/post`, "tcp://127.0.0.1:0"];
			const child = startChild(example("handover-http/server.ts"), { args });
			children.push(child);
			const [, port] = await lineLike(child, / serves tcp:\/\/127\.0\.0\.1:(\d+)$/);
			return [child, Number(port)];
		};
		let [serving, port] = await start();
		const requests = new Requests(port);
		for (let i = 0; i < 8; i++) {
			const [next, same] = await start();
			assert.equal(same, port);
			const old = serving;
			assert.equal((await old.ended).code, 0, (await old.ended).stderr);
			serving = next;
			const greeting = `hello from ${next.pid}\n`;
			await until(() => requests.answered.has(greeting));
			assert.ok(requests.answered.has(greeting));
		}
		await requests.stop();
		assert.deepEqual(requests.failures, []);
		assert.match(await stop(serving), /stops\n$/);
		assert.ok(!existsSync(`${folder}/post`));
	});
});
