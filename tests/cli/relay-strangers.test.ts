/** Clients who mean nothing good, or nothing at all: what they can keep others from, and how much is said of them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect, formatAddress, listen, parseAddress, type TcpAddress } from "socketry";
import { startTls } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { startOurs, type Talking } from "./talk.ts";

test("clients who begin no handshake give way to one who does", async () => {
	await inFolder(async (folder) => {
		const authority = new Authority();
		const { cert, key } = authority.issue();
		writeFileSync(`${folder}/pem`, `${cert}\n${key}`);
		const far = await listen("tcp://127.0.0.1:0");
		const serving = (async () => {
			for await (const stream of far) {
				for await (const chunk of stream) await stream.write(chunk);
				await stream.close();
			}
		})();
		const to = formatAddress(far.address);
		const args = ["relay", "tcp://127.0.0.1:0", to, "--tls-in", `${folder}/pem`, "--max", "2"];
		const relay = startOurs(args);
		const place = await placeOf(relay);
		const silent = [await connect(place), await connect(place)];
		const stream = await startTls(await connect(place), {
			servername: "localhost",
			tls: { ca: authority.cert },
		});
		await stream.write("hello");
		assert.equal(String(await stream.readExactly(5, PATIENT)), "hello");
		await relay.said(/gave way to a newcomer/);
		await stream.close();
		relay.process.kill("SIGTERM");
		await relay.ended;
		for (const each of silent) each.abort();
		far.close();
		await serving;
	});
});

for (const [what, service, silentCount] of [
	["who is echoed to beside others", ["--echo", "--max", "2"], 2],
	["who is talked to", ["--keep"], 1],
	["who is the only one to be talked to", ["--once"], 1],
] as const) {
	test(`listen: clients who send no header give way to one who does, ${what}`, async () => {
		const args = ["listen", "tcp://127.0.0.1:0", "--proxy-protocol-in", "any", ...service];
		const listening = startOurs(args, "hello");
		const place = await placeOf(listening);
		const silent = await Promise.all(Array.from({ length: silentCount }, () => connect(place)));
		const stream = await connect(place);
		await stream.write("PROXY UNKNOWN\r\nhello");
		assert.equal(String(await stream.readExactly(5, PATIENT)), "hello");
		await listening.said(/gave way to a newcomer/);
		await stream.close();
		listening.process.kill("SIGTERM");
		await listening.ended;
		for (const each of silent) each.abort();
	});
}

test("of many connections that fail some are told, and the others counted", async () => {
	await inFolder(async (folder) => {
		const count = 300;
		const relay = startOurs(["relay", "tcp://127.0.0.1:0", `unix:${folder}/nobody`]);
		const place = await placeOf(relay);
		// At once: one after the other they could take so long that all of them are told.
		await Promise.all(Array.from({ length: count }, () => knock(place)));
		relay.process.kill("SIGTERM");
		const { stderr } = await relay.ended;
		const told = stderr.match(/^socketry relay: tcp:.* to unix:.*$/gm) ?? [];
		const left = [...stderr.matchAll(/and (\d+) more lines/g)].map(([, more]) => Number(more));
		assert.ok(told.length >= 20 && told.length < count, `${told.length} lines`);
		assert.equal(
			left.reduce((sum, more) => sum + more, told.length),
			count,
		);
	});
});

/** Where it listens, once it says so. */
async function placeOf(talking: Talking): Promise<TcpAddress> {
	const [, near = ""] = await talking.said(/listening on (\S+?)(?:, for .*)?\n/);
	return parseAddress(near) as TcpAddress;
}

/** Connects, and waits for the end, which can come while it connects. */
async function knock(place: TcpAddress): Promise<void> {
	try {
		await using stream = await connect(place);
		await stream.read();
	} catch (error) {
		assert.equal((error as { code?: string }).code, "ECONNRESET");
	}
}
