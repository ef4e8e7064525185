import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Child, runChild } from "../support/children.ts";
import { DNSMASQ_STARTED, dnsmasqArguments, dnsmasqConfiguration } from "../support/dnsmasq.ts";
import { inFolder } from "../support/folder.ts";
import { example, freePort, lacking, lineLike, startPeer, stop } from "../support/programs.ts";

const LINES = Array.from({ length: 12 }, (_, i) => `line ${i}: ${"socketry ".repeat(6)}`);

interface ServerKind {
	readonly name: string;
	readonly configure: (port: number, folder: string) => string;
	readonly args: (file: string) => string[];
	readonly started: RegExp;
}

const SERVERS: readonly ServerKind[] = [
	{
		name: "dnsmasq",
		configure: (port) =>
			dnsmasqConfiguration(port, [
				"host-record=www.example.test,192.0.2.80,2001:db8::80",
				"srv-host=_pg._tcp.example.test,db.example.test,5432,1,2",
				`txt-record=text.example.test,${LINES.map((line) => `"${line}"`).join(",")}`,
			]),
		args: dnsmasqArguments,
		started: DNSMASQ_STARTED,
	},
	{
		name: "unbound",
		configure: (port, folder) =>
			[
				`server:\n interface: 127.0.0.1\n port: ${port}\n directory: "${folder}"`,
				' chroot: ""\n username: ""\n pidfile: ""\n use-syslog: no\n logfile: ""\n verbosity: 1',
				' num-threads: 1\n do-daemonize: no\n module-config: "iterator"',
				' local-zone: "example.test." static',
				' local-data: "www.example.test. 60 IN A 192.0.2.80"',
				' local-data: "www.example.test. 60 IN AAAA 2001:db8::80"',
				' local-data: "_pg._tcp.example.test. 60 IN SRV 1 2 5432 db.example.test."',
				` local-data: 'text.example.test. 60 IN TXT ${LINES.map((line) => `"${line}"`).join(" ")}'`,
				"remote-control:\n control-enable: no\n",
			].join("\n"),
		args: (file) => ["-d", "-p", "-c", file],
		started: /start of service/,
	},
];

for (const { name, configure, args, started } of SERVERS) {
	describe(`a DNS client of ours and ${name}`, { skip: lacking(name) }, () => {
		let server: Child;
		let address: string;

		before(async () => {
			const port = await freePort();
			address = `127.0.0.1:${port}`;
			server = await inFolder(async (folder) => {
				const file = join(folder, "conf");
				writeFileSync(file, configure(port, folder));
				const child = startPeer(name, args(file), { lines: "stderr" });
				await lineLike(child, started);
				return child;
			});
		});

		after(() => stop(server));

		async function query(...words: string[]): Promise<string> {
			const { code, stdout, stderr } = await runChild(example("dns/query.ts"), {
				args: [address, ...words],
			});
			assert.equal(code, 0, stderr);
			return stdout;
		}

		test("addresses of both families come by UDP", async () => {
			assert.match(
				await query("www.example.test", "A"),
				/^NOERROR by udp, 1 records\nwww\.example\.test \d+ A 192\.0\.2\.80\n/,
			);
			assert.match(await query("www.example.test", "AAAA"), /^NOERROR by udp.*\n.* 2001:db8::80\n/);
			assert.match(await query("nothing.example.test", "A"), /^NXDOMAIN by udp, 0 records\n/);
		});

		test("records of several fields are shown field by field", async () => {
			assert.match(
				await query("_pg._tcp.example.test", "SRV"),
				/ SRV 1 2 5432 db\.example\.test$/m,
			);
		});

		test("what does not fit a datagram comes whole by TCP", async () => {
			const text = await query("text.example.test", "TXT");
			assert.match(text, /^NOERROR by tcp, 1 records\n/);
			assert.ok(text.includes(LINES.join("")), text);
		});

		test("1,000 questions are all answered, 200 at once", async () => {
			const text = await query("www.example.test", "A", "1000");
			assert.match(text, /^1000 answers in /m);
		});
	});
}

test("a question to a port where nobody listens fails", async () => {
	const { code, stderr } = await runChild(example("dns/query.ts"), {
		args: [`127.0.0.1:${await freePort()}`, "www.example.test", "A"],
	});
	assert.equal(code, 1);
	assert.match(stderr, /ECONNREFUSED/);
});
