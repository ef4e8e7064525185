/** The command line of OpenSSL on the other side: `openssl s_server` and `openssl s_client`. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { listen, type Stream } from "socketry";
import { startTls, type TlsStream, tlsConnect, tlsListen } from "socketry/tls";
import type { Child, Ended } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { lacking, lineLike, startPeer } from "../support/programs.ts";
import { authority, localhost, VERSIONS } from "./pairs.ts";

const skip = lacking("openssl");
const TRUSTING = { servername: "localhost", tls: { ca: authority.cert } } as const;
const FLAGS = { "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3" } as const;

/** Files of the certificates, for programs. */
function withFiles<T>(body: (folder: string) => Promise<T>): Promise<T> {
	return inFolder((folder) => {
		writeFileSync(join(folder, "ca.pem"), authority.cert);
		writeFileSync(join(folder, "key.pem"), localhost.key);
		writeFileSync(join(folder, "cert.pem"), localhost.cert);
		return body(folder);
	});
}

/** Starts a server that sends each line back in reverse. */
async function startServer(
	t: TestContext,
	folder: string,
	...more: string[]
): Promise<{ server: Child; address: `tcp:${string}` }> {
	const files = ["-key", join(folder, "key.pem"), "-cert", join(folder, "cert.pem")];
	const server = startPeer("openssl", [
		"s_server",
		"-accept",
		"127.0.0.1:0",
		"-rev",
		...files,
		...more,
	]);
	t.after(() => server.process.kill("SIGKILL"));
	const [, port] = await lineLike(server, /^ACCEPT 127\.0\.0\.1:(\d+)/);
	return { server, address: `tcp://127.0.0.1:${port}` };
}

/** Runs a client that says a line and waits for the server's end. */
function runClient(port: number, folder: string, line: string, ...more: string[]): Promise<Ended> {
	const args = ["-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-quiet", ...more];
	const trust = ["-CAfile", join(folder, "ca.pem"), "-verify_return_error", "-verify_hostname"];
	const command = ["openssl", "s_client", ...args, ...trust, "localhost"].join(" ");
	return startPeer("sh", ["-c", `echo '${line}' | ${command}`]).ended;
}

function portOf({ address }: { readonly address: unknown }): number {
	return (address as { port: number }).port;
}

async function answer(stream: TlsStream): Promise<void> {
	const line = await stream.readUntil("\n");
	await stream.write(`you said ${String(line)}`);
	await stream.close();
}

for (const version of VERSIONS) {
	test(`a client of ours speaks ${version} with s_server, and resumes its session`, {
		skip,
	}, async (t) => {
		await withFiles(async (folder) => {
			const { address } = await startServer(t, folder, FLAGS[version], "-alpn", "rev,other");
			let session: Buffer | undefined;
			for (const isSessionReused of [false, true]) {
				const stream = await tlsConnect(address, {
					...TRUSTING,
					alpn: ["rev"],
					...(session && { session }),
				});
				assert.equal(stream.protocol, version);
				assert.equal(stream.alpn, "rev");
				assert.equal(stream.isSessionReused, isSessionReused);
				await stream.write("hello\n");
				assert.equal(String(await stream.readUntil("\n")), "olleh\n");
				session = stream.session;
				assert.ok(session !== undefined);
				await stream.close();
			}
		});
	});

	test(`a server of ours speaks ${version} with s_client, which verifies it`, {
		skip,
	}, async () => {
		await withFiles(async (folder) => {
			const listener = await tlsListen("tcp://127.0.0.1:0", { tls: { ...localhost } });
			const running = runClient(portOf(listener), folder, "hello", FLAGS[version]);
			const stream = await listener.accept();
			assert.equal(stream.protocol, version);
			assert.equal(stream.servername, "localhost");
			await answer(stream);
			const { code, stdout, stderr } = await running;
			assert.equal(code, 0, stderr);
			assert.equal(stdout, "you said hello\n");
			listener.close();
		});
	});

	test(`a server of ours has s_client resume its session, with ${version}`, { skip }, async () => {
		await withFiles(async (folder) => {
			const tls = { ...localhost, maxVersion: version };
			const listener = await tlsListen("tcp://127.0.0.1:0", { tls });
			const file = join(folder, "session");
			for (const [flag, isSessionReused] of [
				["-sess_out", false],
				["-sess_in", true],
			] as const) {
				const running = runClient(portOf(listener), folder, "hello", flag, file);
				const stream = await listener.accept();
				assert.equal(stream.isSessionReused, isSessionReused);
				await answer(stream);
				assert.equal((await running).code, 0);
			}
			listener.close();
		});
	});

	test(`s_server shows and wants certificates by name, with ${version}`, { skip }, async (t) => {
		await withFiles(async (folder) => {
			const other = authority.issue({ dns: ["other.example"] });
			writeFileSync(join(folder, "key2.pem"), other.key);
			writeFileSync(join(folder, "cert2.pem"), other.cert);
			const second = ["-key2", join(folder, "key2.pem"), "-cert2", join(folder, "cert2.pem")];
			const wanted = ["-Verify", "1", "-CAfile", join(folder, "ca.pem"), "-verify_return_error"];
			const names = ["-servername", "other.example", ...second];
			const { address } = await startServer(t, folder, FLAGS[version], ...names, ...wanted);
			const identity = authority.issue({ dns: ["client"] });
			const tls = { ca: authority.cert, ...identity };
			for (const servername of ["localhost", "other.example"]) {
				const stream = await tlsConnect(address, { servername, tls });
				assert.deepEqual(stream.peerCertificate?.dnsNames, [servername]);
				await stream.write("abc\n");
				assert.equal(String(await stream.readUntil("\n")), "cba\n");
				await stream.close();
			}
			// Without a certificate of ours: refused at once, or, with TLS 1.3, when we read.
			await assert.rejects(
				(async () => {
					const stream = await tlsConnect(address, TRUSTING);
					try {
						await stream.write("abc\n");
						await stream.readUntil("\n");
					} finally {
						stream.abort();
					}
				})(),
				{ code: "ERR_TLS" },
			);
		});
	});
}

test("s_server that is killed has not ended its bytes", { skip }, async (t) => {
	await withFiles(async (folder) => {
		const { server, address } = await startServer(t, folder);
		const stream = await tlsConnect(address, TRUSTING);
		await stream.write("hello\n");
		assert.equal(String(await stream.readUntil("\n")), "olleh\n");
		server.process.kill("SIGKILL");
		await server.ended;
		await assert.rejects(stream.read(), { code: "ERR_TLS", reason: "truncated" });
		await stream.close();
	});
});

test("s_client begins TLS as a client of SMTP, and of PostgreSQL", { skip }, async () => {
	const agree: Readonly<Record<string, (stream: Stream) => Promise<unknown>>> = {
		smtp: async (stream) => {
			await stream.write("220 localhost ESMTP\r\n");
			assert.match(String(await stream.readUntil("\r\n")), /^EHLO /);
			await stream.write("250-localhost\r\n250 STARTTLS\r\n");
			assert.match(String(await stream.readUntil("\r\n")), /^STARTTLS/);
			await stream.write("220 ready\r\n");
		},
		postgres: async (stream) => {
			// SSLRequest: eight bytes, the code 80877103.
			assert.equal(Buffer.from(await stream.readExactly(8)).toString("hex"), "0000000804d2162f");
			await stream.write("S");
		},
	};
	await withFiles(async (folder) => {
		const listener = await listen("tcp://127.0.0.1:0");
		for (const [protocol, begin] of Object.entries(agree)) {
			const running = runClient(portOf(listener), folder, "hello", "-starttls", protocol);
			const plain = await listener.accept();
			await begin(plain);
			await answer(await startTls(plain, { isServer: true, tls: localhost }));
			const { code, stdout, stderr } = await running;
			assert.equal(code, 0, stderr);
			assert.match(stdout, /you said hello\n$/);
		}
		listener.close();
	});
});
