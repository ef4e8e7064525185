import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { formatAddress, listen } from "socketry";
import { tlsListen } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { inFolder } from "../support/folder.ts";
import { ours, startOurs } from "./talk.ts";

const authority = new Authority();
const identity = authority.issue({ dns: ["localhost"], ips: ["127.0.0.1"] });

async function withFiles(
	body: (ca: string, pem: string, folder: string) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		writeFileSync(`${folder}/ca.pem`, authority.cert);
		writeFileSync(`${folder}/both.pem`, `${identity.cert}\n${identity.key}`);
		await body(`${folder}/ca.pem`, `${folder}/both.pem`, folder);
	});
}

test("connect --tls verifies the server, and hands on the end of its input", async () => {
	await withFiles(async (ca) => {
		const far = await tlsListen("tcp://127.0.0.1:0", { tls: identity });
		const serving = (async () => {
			for await (const stream of far) {
				let bytes = 0;
				for await (const chunk of stream) bytes += chunk.length;
				await stream.write(`${bytes} bytes\n`);
				await stream.close();
			}
		})();
		const address = formatAddress(far.address);
		const { code, stdout, stderr } = await ours(
			["connect", address, "--tls", "--tls-ca", ca],
			"hello",
		);
		assert.deepEqual([code, stdout.toString()], [0, "5 bytes\n"], stderr);
		const stranger = await ours(["connect", address, "--tls"], "hello");
		assert.deepEqual([stranger.code, stranger.stdout.length], [1, 0]);
		const misnamed = ["connect", address, "--tls", "--tls-ca", ca, "--tls-name", "other.example"];
		assert.equal((await ours(misnamed, "hello")).code, 1);
		far.close();
		await serving;
	});
	assert.equal((await ours(["connect", "udp://h:1", "--tls"])).code, 2);
	assert.equal((await ours(["connect", "1", "--tls-ca", "x"])).code, 2);
});

test("relay --tls-in and --tls-out: plain to TLS to plain, half-close and all", async () => {
	await withFiles(async (ca, pem, folder) => {
		const far = await listen("tcp://127.0.0.1:0");
		const serving = (async () => {
			for await (const stream of far) {
				let bytes = 0;
				for await (const chunk of stream) bytes += chunk.length;
				await stream.write(`${bytes} bytes\n`);
				await stream.close();
			}
		})();
		const inner = startOurs(["relay", "0", formatAddress(far.address), "--tls-in", pem, "--once"]);
		const [, to = ""] = await inner.said(/listening on (.*), for/);
		const args = ["relay", `${folder}/s`, to, "--tls-out", "--tls-ca", ca, "--once"];
		const outer = startOurs(args);
		await outer.said(/listening/);
		const { code, stdout } = await ours(["connect", `${folder}/s`], Buffer.alloc(1_000_000));
		assert.deepEqual([code, stdout.toString()], [0, "1000000 bytes\n"]);
		const ends = await Promise.all([inner.ended, outer.ended]);
		assert.deepEqual(
			ends.map((each) => each.code),
			[0, 0],
			ends.map((each) => each.stderr).join(),
		);
		far.close();
		await serving;
	});
});
