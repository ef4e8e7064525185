/** `socketry listen --tls-cert`, with our own client and with that of OpenSSL. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { connect, type Stream, socketpair } from "socketry";
import { encodeProxyHeader } from "socketry/proxy";
import { relay } from "socketry/relay";
import { startTls } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { inFolder } from "../support/folder.ts";
import { lacking } from "../support/programs.ts";
import { ours, start, startOurs, type Talking } from "./talk.ts";

const authority = new Authority();
const TRUSTING = { servername: "localhost", tls: { ca: authority.cert } } as const;

interface Files {
	readonly folder: string;
	/** Options of listen. */
	readonly server: readonly string[];
	/** Options of connect. */
	readonly client: readonly string[];
	/** The same, with a certificate. */
	readonly known: readonly string[];
}

async function withFiles(body: (files: Files) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		const server = authority.issue({ dns: ["localhost"], ips: ["127.0.0.1"] });
		const client = authority.issue({ commonName: "a client" });
		writeFileSync(`${folder}/ca.pem`, authority.cert);
		writeFileSync(`${folder}/cert.pem`, server.cert);
		writeFileSync(`${folder}/key.pem`, server.key);
		writeFileSync(`${folder}/client.pem`, `${client.cert}\n${client.key}`);
		const trusting = ["--tls", "--tls-ca", `${folder}/ca.pem`, "--tls-name", "localhost"];
		await body({
			folder,
			server: ["--tls-cert", `${folder}/cert.pem`, "--tls-key", `${folder}/key.pem`],
			client: trusting,
			known: [...trusting, "--tls-cert", `${folder}/client.pem`],
		});
	});
}

async function startListening(
	args: readonly string[],
	input: "open" | "none" | Uint8Array = "open",
): Promise<Talking & { readonly to: string }> {
	const talking = startOurs(["listen", ...args], input);
	const [, to = ""] = await talking.said(/^listening on (.*)\n/m);
	return { ...talking, to };
}

test("it talks with our own connect, over TCP and Unix sockets, and hands on both ends", async () => {
	await withFiles(async ({ folder, server, client }) => {
		for (const address of ["tcp://127.0.0.1:0", `${folder}/s`]) {
			const listening = await startListening([address, ...server], Buffer.from("answer"));
			const asked = await ours(["connect", listening.to, ...client], "question");
			assert.deepEqual([asked.code, asked.stdout.toString()], [0, "answer"], asked.stderr);
			const { code, stdout, stderr } = await listening.ended;
			assert.deepEqual([code, stdout.toString()], [0, "question"], stderr);
		}
	});
});

test("it talks with openssl s_client", { skip: lacking("openssl") }, async () => {
	await withFiles(async ({ folder, server }) => {
		const args = ["tcp://127.0.0.1:0", ...server];
		const listening = await startListening(args);
		const at = listening.to.replace("tcp://", "");
		const trust = `-CAfile ${folder}/ca.pem -verify_return_error -verify_hostname localhost`;
		const command = `openssl s_client -connect ${at} -servername localhost -quiet ${trust}`;
		const heard = once(listening.process.stdout as Readable, "data");
		const asking = start(["sh", "-c", `echo question | ${command}`], "none");
		// It ends with its server, and would leave unsent what it has not read from its standard input by then.
		await Promise.race([heard, asking.ended]);
		listening.process.stdin?.end("answer\n");
		const asked = await asking.ended;
		assert.equal(asked.stdout.toString(), "answer\n", asked.stderr);
		const { code, stdout, stderr } = await listening.ended;
		assert.deepEqual([code, stdout.toString()], [0, "question\n"], stderr);
	});
});

test("clients have to show a certificate of --tls-ca, and --once waits for one that does", async () => {
	await withFiles(async ({ folder, server, client, known }) => {
		const args = ["tcp://127.0.0.1:0", "--once", ...server, "--tls-ca", `${folder}/ca.pem`];
		const listening = await startListening(args, Buffer.from("answer"));
		const stranger = await ours(["connect", listening.to, ...client], "question");
		assert.notEqual(stranger.code, 0);
		await listening.said(/certificate/);
		const asked = await ours(["connect", listening.to, ...known], "question");
		assert.deepEqual([asked.code, asked.stdout.toString()], [0, "answer"], asked.stderr);
		const { code, stdout } = await listening.ended;
		assert.deepEqual([code, stdout.toString()], [0, "question"]);
	});
});

test("programs talk over TLS on both sides, whatever they leave unread", async () => {
	await withFiles(async ({ server, client }) => {
		const program = ["--exec", "--", "sh", "-c", 'head -c 1000; echo "for $REMOTE_ADDR"; exit 3'];
		const args = ["tcp://127.0.0.1:0", "--once", ...server, ...program];
		const listening = await startListening(args, "none");
		const mine = ["--", "sh", "-c", "head -c 1000000 /dev/zero; exec wc -c >&2"];
		const asked = await ours(["connect", listening.to, ...client, ...mine], "none");
		assert.match(asked.stderr, /^ *1014$/m);
		assert.equal((await listening.ended).code, 3);
		assert.ok([0, 4].includes(asked.code), asked.stderr);
	});
});

test("a program behind connect --tls has the whole conversation, and its code is ours", async () => {
	await withFiles(async ({ server, client }) => {
		const listening = await startListening(["tcp://127.0.0.1:0", "--echo", ...server], "none");
		const program = ["--", "sh", "-c", "echo hello; read line; echo got $line >&2; exit 7"];
		const { code, stderr } = await ours(["connect", listening.to, ...client, ...program], "none");
		assert.match(stderr, /got hello/);
		assert.equal(code, 7);
		listening.process.kill("SIGTERM");
		await listening.ended;
	});
});

test("a connection that is cut off without the end of TLS is exit code 4, also with a program", async () => {
	await withFiles(async ({ server }) => {
		for (const program of [[], ["--exec", "--", "cat"]]) {
			const args = ["tcp://127.0.0.1:0", "--once", ...server, ...program];
			const listening = await startListening(args);
			const raw = (await connect(listening.to)) as Stream;
			const [near, far] = socketpair();
			relay(far, raw);
			const secure = await startTls(near, TRUSTING);
			await secure.write("half a sen");
			await secure.flush();
			// The end of the connection below it.
			near.socket.shutdown("write");
			const { code, stderr } = await listening.ended;
			assert.equal(code, 4, stderr);
			assert.match(stderr, /close_notify/);
			secure.abort();
		}
	});
});

test("the header of a proxy comes before TLS, from those who are trusted, and names the client", async () => {
	await withFiles(async ({ server }) => {
		for (const [trusted, version, expected] of [
			["10.0.0.0/8,127.0.0.1", 1, "192.0.2.7\n"],
			["any", 2, "192.0.2.7\n"],
			["10.0.0.0/8", undefined, "127.0.0.1\n"],
		] as const) {
			const args = ["tcp://127.0.0.1:0", "--once", ...server, "--proxy-protocol-in", trusted];
			const program = ["--exec", "--", "sh", "-c", "echo $REMOTE_ADDR"];
			const listening = await startListening([...args, ...program], "none");
			const raw = (await connect(listening.to)) as Stream;
			if (version !== undefined) {
				const source = { transport: "tcp", host: "192.0.2.7", port: 99 } as const;
				const destination = { transport: "tcp", host: "192.0.2.1", port: 443 } as const;
				await raw.write(encodeProxyHeader({ version, source, destination }));
			}
			const stream = await startTls(raw, TRUSTING);
			assert.equal(String(await stream.readUntil("\n")), expected);
			await stream.close();
			assert.equal((await listening.ended).code, 0);
		}
	});
});

test("a header from who is not trusted is what it says, and one that is none ends the connection", async () => {
	await withFiles(async () => {
		const strangers = ["tcp://127.0.0.1:0", "--echo", "--proxy-protocol-in", "192.0.2.1"];
		const echoing = await startListening(strangers);
		const stranger = await ours(["connect", echoing.to], "PROXY UNKNOWN\r\nx");
		assert.equal(stranger.stdout.toString(), "PROXY UNKNOWN\r\nx");
		const trusting = await startListening([
			"tcp://127.0.0.1:0",
			"--echo",
			"--proxy-protocol-in",
			"any",
		]);
		const trusted = await ours(["connect", trusting.to], "PROXY UNKNOWN\r\nx");
		assert.equal(trusted.stdout.toString(), "x");
		await ours(["connect", trusting.to], "GET / HTTP/1.1\r\n\r\n");
		await trusting.said(/PROXY protocol/);
		for (const each of [echoing, trusting]) {
			each.process.kill("SIGTERM");
			await each.ended;
		}
	});
});

test("mistakes with the files and options of TLS are explained before anything is opened", async () => {
	await withFiles(async ({ folder, server }) => {
		const key = `${folder}/key.pem`;
		for (const [args, message] of [
			[["listen", "0", "--tls-key", key], /--tls-key goes with --tls-cert/],
			[["listen", "0", "--tls-ca", key], /--tls-ca goes with --tls-cert/],
			[["listen", "0", "--tls-cert", `${folder}/none`], /--tls-cert: ENOENT/],
			[["listen", "0", "--tls-cert", key], /"tls\.cert" must be .* with a certificate/],
			[["listen", "0", "--tls-cert", `${folder}/cert.pem`], /holds no private key.*--tls-key/],
			[["connect", "./x", "--tls"], /has no host to verify the server by.*--tls-name/],
			[["relay", "0", "./x", "--tls-out"], /--tls-out: unix:\.\/x has no host.*--tls-name/],
			[["listen", "udp://*:0", ...server], /for streams/],
			[["listen", "udp://*:0", "--proxy-protocol-in", "any"], /for streams/],
			[["listen", "0", "--proxy-protocol-in", "10.0.0.0/33"], /names your proxies/],
			[["relay", "0", "1", "--tls-in", key], /"tls\.cert" must be .* with a certificate/],
			[["connect", "1", "--tls", "--tls-ca", key], /"tls\.ca" must be .* with certificates/],
			[["relay", "0", "1", "--tls-client-ca", key], /goes with --tls-in/],
			[["connect", "1", "--tls-cert", `${folder}/client.pem`], /go with --tls/],
		] as const) {
			const { code, stderr } = await ours(args);
			assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
			assert.match(stderr, message);
		}
	});
});
