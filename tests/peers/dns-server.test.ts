import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { datagrams } from "socketry";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { example, lacking, lineLike, startPeer, stop } from "../support/programs.ts";

describe("a DNS server of ours", () => {
	let server: Child;
	let port: string;

	before(async () => {
		server = startChild(example("dns/serve.ts"), { args: ["*", "0"] });
		port = (await lineLike(server, /port (\d+)/))[1] as string;
	});

	after(() => stop(server));

	async function dig(...words: string[]): Promise<string> {
		const { code, stdout } = await startPeer("dig", [
			`@127.0.0.1`,
			...["-p", port, "+tries=1", "+time=60"],
			...words,
		]).ended;
		assert.equal(code, 0, stdout);
		return stdout;
	}

	test("dig gets addresses of both families", { skip: lacking("dig") }, async () => {
		assert.equal(await dig("+short", "www.example.test", "A"), "192.0.2.80\n192.0.2.81\n");
		assert.equal(await dig("+short", "www.example.test", "AAAA"), "2001:db8::80\n");
		assert.match(
			await dig("+short", "example.test", "SOA"),
			/^example\.test\. admin\.example\.test\. 1 /,
		);
		const all = await dig("wWw.eXample.test", "A");
		assert.match(all, /status: NOERROR/);
		assert.match(all, /flags: qr aa rd; QUERY: 1, ANSWER: 2/);
		assert.match(all, /\(UDP\)/);
	});

	test("dig asks again by TCP for what does not fit a datagram", {
		skip: lacking("dig"),
	}, async () => {
		const cut = await dig("+ignore", "text.example.test", "TXT");
		assert.match(cut, /flags: qr aa tc rd; QUERY: 1, ANSWER: 0/);
		for (const words of [["+noedns"], ["+bufsize=4096"]]) {
			const text = await dig(...words, "text.example.test", "TXT");
			assert.match(text, /Truncated, retrying in TCP mode/);
			assert.match(text, /\(TCP\)/);
			assert.match(text, /ANSWER: 1/);
			assert.equal(text.match(/"line \d+: (socketry )+"/g)?.length, 20);
		}
	});

	test("dig is told what does not exist and what is not served", {
		skip: lacking("dig"),
	}, async () => {
		assert.match(await dig("nothing.example.test"), /status: NXDOMAIN/);
		const empty = await dig("text.example.test", "AAAA");
		assert.match(empty, /status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1/);
		assert.match(await dig("example.com"), /status: REFUSED/);
		assert.match(await dig("+opcode=NOTIFY", "example.test", "SOA"), /status: NOTIMP/);
	});

	test("dig is answered from the address that it asked, of a server for all addresses", {
		skip: lacking("dig"),
	}, async () => {
		for (const host of ["127.0.0.2", "127.9.8.7", "::1"]) {
			const { stdout } = await startPeer("dig", [
				...[`@${host}`, "-p", port, "+tries=1", "+time=60"],
				...["+short", "example.test"],
			]).ended;
			assert.equal(stdout, "192.0.2.1\n", host);
		}
	});

	test("dig gets its answer over TCP alone, and several over one connection", {
		skip: lacking("dig"),
	}, async () => {
		const text = await dig("+tcp", "+keepopen", "example.test", "www.example.test", "AAAA");
		assert.match(text, /192\.0\.2\.1/);
		assert.match(text, /2001:db8::80/);
	});

	test("1,000 queries of dig in a row are answered", { skip: lacking("dig") }, async () => {
		await inFolder(async (folder) => {
			const file = join(folder, "queries");
			writeFileSync(file, "+short www.example.test AAAA\n".repeat(1_000));
			const text = await dig("-f", file);
			assert.equal(text, "2001:db8::80\n".repeat(1_000));
		});
	});

	test("1,000 queries of dnsperf at once are answered", { skip: lacking("dnsperf") }, async () => {
		await inFolder(async (folder) => {
			const file = join(folder, "queries");
			const types = ["www.example.test A", "www.example.test AAAA", "nothing.example.test A"];
			writeFileSync(file, Array.from({ length: 1_000 }, (_, i) => types[i % 3]).join("\n"));
			// More at once than the receive buffer holds could be lost.
			const roomBytes = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
			const atOnce = roomBytes >= 1_000_000 ? "1000" : "200";
			const args = ["-s", "127.0.0.1", "-p", port, "-d", file, "-n", "1", "-q", atOnce, "-e"];
			// Nor may the answers exceed its own buffer, in KiB.
			args.push("-b", "4096", "-t", "60");
			const { code, stdout, stderr } = await startPeer("dnsperf", args).ended;
			assert.equal(code, 0, stderr);
			assert.match(stdout, /Queries completed:\s+1000 \(100\.00%\)/);
			assert.match(stdout, /NOERROR 667 .*NXDOMAIN 333 /);
		});
	});

	test("what is no query is not answered, and the server goes on", async () => {
		const client = await datagrams(undefined, { connect: `udp://127.0.0.1:${port}` });
		const header = Buffer.from("1234800000010000000000000", "hex");
		for (const nonsense of ["", "x", Buffer.alloc(12, 255), header, Buffer.alloc(3_000, 192)]) {
			await client.send(nonsense);
		}
		await assert.rejects(client.receive({ timeoutMs: 20 }), { code: "ERR_TIMEOUT" });
		const query = "0007000000010000000000000765786d706c6500"; // Not whole.
		await client.send(Buffer.from(query, "hex"));
		await client.send(
			Buffer.from(`${"0008000000010000000000000765"}78616d706c6504746573740000010001`, "hex"),
		);
		const { data } = await client.receive(PATIENT);
		assert.deepEqual([data[0], data[1]], [0, 8]);
		await client.close();
	});
});
