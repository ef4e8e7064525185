/** The command line through proxies of others: microsocks for SOCKS5, tinyproxy for HTTP. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import {
	connect,
	formatAddress,
	type Listener,
	listen,
	type Stream,
	whenReachable,
} from "socketry";
import { type TlsStream, tlsListen } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { freePort, lacking, startPeer } from "../support/programs.ts";
import { ours, startOurs } from "./talk.ts";

const skip = lacking("microsocks", "tinyproxy");
const authority = new Authority();

interface Surroundings {
	/** Both proxies, each with a password. */
	readonly proxies: readonly string[];
	/** Says each line back. */
	readonly plain: string;
	/** The same with TLS. */
	readonly secure: string;
	readonly trust: readonly string[];
}

async function withProxies(
	t: TestContext,
	body: (all: Surroundings) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const [socks, http] = [await freePort(), await freePort()];
		const args = ["-i", "127.0.0.1", "-p", `${socks}`, "-u", "me", "-P", "secret"];
		const path = `${folder}/tinyproxy.conf`;
		writeFileSync(path, `Port ${http}\nListen 127.0.0.1\nTimeout 10\nBasicAuth me secret\n`);
		const children = [startPeer("microsocks", args), startPeer("tinyproxy", ["-d", "-c", path])];
		t.after(() => {
			for (const child of children) child.process.kill("SIGKILL");
		});
		for (const port of [socks, http]) {
			await whenReachable(`tcp://127.0.0.1:${port}`, PATIENT);
		}
		writeFileSync(`${folder}/ca.pem`, authority.cert);
		const plain = (await listen("tcp://127.0.0.1:0")) as Listener<Stream>;
		const secure = await tlsListen("tcp://127.0.0.1:0", { tls: authority.issue() });
		const serving = [plain, secure].map(async (listener) => {
			for await (const stream of listener as AsyncIterable<Stream | TlsStream>)
				void sayBack(stream);
		});
		const named = (listener: { readonly address: object }): string =>
			`localhost:${(listener.address as { readonly port: number }).port}`;
		await body({
			proxies: [`socks5://me:secret@127.0.0.1:${socks}`, `http://me:secret@127.0.0.1:${http}`],
			plain: named(plain),
			secure: named(secure),
			trust: ["--tls-ca", `${folder}/ca.pem`],
		});
		for (const listener of [plain, secure]) listener.close();
		await Promise.all(serving);
		for (const child of children) {
			child.process.kill("SIGKILL");
			await child.ended;
		}
	});
}

// One line, and the end: neither proxy hands on the end of one direction alone.
async function sayBack(stream: Stream | TlsStream): Promise<void> {
	try {
		const line = await stream.readUntil("\n");
		await stream.write(`you said ${line === null ? "nothing\n" : String(line)}`);
		await stream.close();
	} catch {
		stream.abort();
	}
}

test("relay --proxy reaches TO through SOCKS5 and HTTP, with TLS behind the proxy too", {
	skip,
}, async (t) => {
	await withProxies(t, async ({ proxies, plain, secure, trust }) => {
		for (const proxy of proxies) {
			for (const args of [[plain], [secure, "--tls-out", ...trust]]) {
				const relay = startOurs(["relay", "0", ...args, "--proxy", proxy, "--once"]);
				const [, near = ""] = await relay.said(/^listening on (.*), for /m);
				const stream = (await connect(near)) as Stream;
				await stream.write("hello\n");
				assert.equal(String(await stream.readUntil("\n")), "you said hello\n");
				await stream.close();
				const { code, stderr } = await relay.ended;
				assert.equal(code, 0, stderr);
			}
		}
	});
});

test("connect --proxy talks through SOCKS5 and HTTP, with TLS and with a program", {
	skip,
}, async (t) => {
	await withProxies(t, async ({ proxies, plain, secure, trust }) => {
		const program = ["--", "sh", "-c", "echo hello; cat >&2"];
		for (const proxy of proxies) {
			for (const args of [[plain], [secure, "--tls", ...trust]]) {
				const talking = startOurs(["connect", ...args, "--proxy", proxy]);
				talking.process.stdin?.write("hello\n");
				const { code, stdout, stderr } = await talking.ended;
				assert.deepEqual([code, stdout.toString()], [0, "you said hello\n"], stderr);
				const run = await ours(["connect", ...args, "--proxy", proxy, ...program], "none");
				assert.deepEqual([run.code, run.stderr], [0, "you said hello\n"]);
			}
		}
	});
});

test("a proxy that refuses is told, and a relay goes on", { skip }, async (t) => {
	await withProxies(t, async ({ proxies, plain }) => {
		for (const proxy of proxies) {
			const wrong = proxy.replace("secret", "wrong");
			const { code, stderr } = await ours(["connect", plain, "--proxy", wrong]);
			assert.equal(code, 1);
			assert.ok(!stderr.includes("wrong@"), stderr);
			const relay = startOurs(["relay", "0", "localhost:1", "--proxy", proxy]);
			const [, near = ""] = await relay.said(/^listening on (.*), for /m);
			await ours(["connect", near]);
			await relay.said(/127\.0\.0\.1:\d+ to tcp:\/\/localhost:1: .*prox/i);
			relay.process.kill("SIGTERM");
			assert.equal((await relay.ended).code, 143);
		}
	});
});

for (const [args, message] of [
	[["connect", "1", "--proxy", "ftp://h:1"], /write socks5:/],
	[["connect", "udp://h:1", "--proxy", "socks5://h:1"], /TCP only/],
	[["relay", "1", "2", "--proxy", "nonsense"], /write socks5:/],
	[["relay", "1", "./to", "--proxy", "socks5://h:1"], /TCP only/],
	[["connect", "1", "--pass-fd", "--", "cat"], /give one of them/],
] as const) {
	test(`${args.join(" ")} is a mistake that is explained`, async () => {
		const { code, stderr } = await ours(args);
		assert.equal(code, 2);
		assert.match(stderr, message);
	});
}

test("relay hands on what a proxy says of its client, and --tls-client-ca lets in those with a certificate", async () => {
	await inFolder(async (folder) => {
		const far = (await listen("tcp://127.0.0.1:0")) as Listener<Stream>;
		const to = formatAddress(far.address);
		const { cert, key } = authority.issue();
		writeFileSync(`${folder}/server.pem`, `${cert}\n${key}`);
		writeFileSync(`${folder}/ca.pem`, authority.cert);
		const client = authority.issue({ commonName: "a client" });
		writeFileSync(`${folder}/client.pem`, `${client.cert}\n${client.key}`);
		const header = ["--proxy-protocol-in", "127.0.0.1", "--proxy-protocol", "v1"];
		const tlsIn = ["--tls-in", `${folder}/server.pem`, "--tls-client-ca", `${folder}/ca.pem`];
		const inner = startOurs(["relay", "0", to, ...header, ...tlsIn]);
		const [, near = ""] = await inner.said(/^listening on (.*), for /m);
		const trust = ["--tls", "--tls-ca", `${folder}/ca.pem`, "--tls-name", "localhost"];
		// In the clear it is refused, and so is a header that is none.
		assert.notEqual((await ours(["connect", near], "hello\n")).code, 0);
		await inner.said(/127\.0\.0\.1:\d+: .*PROXY protocol/);
		const outer = startOurs(["relay", "0", near, "--proxy-protocol", "v2"]);
		const [, front = ""] = await outer.said(/^listening on (.*), for /m);
		assert.notEqual((await ours(["connect", front, ...trust], "hello\n")).code, 0);
		await inner.said(/certificate/);
		const asking = ours(
			["connect", front, ...trust, "--tls-cert", `${folder}/client.pem`],
			"hello\n",
		);
		const stream = await far.accept();
		const line = String(await stream.readUntil("\r\n"));
		assert.match(line, /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ /);
		assert.equal(line.split(" ")[5]?.trim(), front.replace(/.*:/, ""));
		await sayBack(stream);
		const { code, stdout, stderr } = await asking;
		assert.deepEqual([code, stdout.toString()], [0, "you said hello\n"], stderr);
		for (const each of [inner, outer]) {
			each.process.kill("SIGTERM");
			await each.ended;
		}
		far.close();
	});
});
