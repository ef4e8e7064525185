import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createNetServer } from "node:net";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { LIMITS, listen, type TlsError } from "socketry";
import { memoryStreams } from "socketry/testing";
import { type TlsClientOptions, type TlsServerOptions, tlsConnect, tlsListen } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { abstractName, withSocketPath } from "../support/pairs.ts";
import { authority, localhost, secured, VERSIONS } from "./pairs.ts";
import { ca, refused, type TcpAddress, TRUSTING, withEcho } from "./servers.ts";

describe("tlsConnect() and tlsListen()", () => {
	for (const version of VERSIONS) {
		test(`speak ${version} over TCP, and tell what was agreed`, async () => {
			const tls = { ...localhost, maxVersion: version, ALPNProtocols: ["b", "a"] };
			await withEcho({ tls }, async (address) => {
				const alpn = ["a", "b"];
				const stream = await tlsConnect(address, { ...TRUSTING, alpn });
				assert.equal(stream.protocol, version);
				assert.equal(stream.alpn, "b");
				assert.equal(stream.servername, "localhost");
				assert.equal(stream.authorized, true);
				assert.equal(stream.isSessionReused, false);
				assert.match(stream.cipher.standardName, /^TLS_/);
				assert.deepEqual(stream.peer, address);
				assert.equal((stream.address as TcpAddress).host, "127.0.0.1");
				assert.deepEqual(stream.peerCertificate?.dnsNames, ["localhost"]);
				assert.deepEqual(stream.peerCertificate?.ipAddresses, ["127.0.0.1"]);
				await stream.write("hello");
				await stream.closeWrite();
				assert.equal(String(await stream.readExactly(5)), "hello");
				assert.equal(await stream.read(), null);
				assert.equal(stream.truncated, false);
				await stream.close();
			});
		});

		test(`resume a session of ${version}`, async () => {
			const tls = { ...localhost, maxVersion: version };
			await withEcho({ tls }, async (address) => {
				const first = await tlsConnect(address, TRUSTING);
				await first.write("x");
				await first.readExactly(1);
				const { session } = first;
				assert.ok(session !== undefined);
				await first.close();
				const second = await tlsConnect(address, { ...TRUSTING, session });
				assert.equal(second.isSessionReused, true);
				assert.equal(second.protocol, version);
				assert.equal(second.authorized, true);
				await second.close();
				// A session that is none costs a full handshake.
				const third = await tlsConnect(address, TRUSTING);
				assert.equal(third.isSessionReused, false);
				await third.close();
			});
		});

		test(`know each other's certificate with ${version}`, async () => {
			const tls = { ...localhost, ca, requestCert: true, maxVersion: version };
			const listener = await tlsListen("tcp://127.0.0.1:0", { tls });
			const uris = ["spiffe://example/one, two", "urn:x"];
			const claims = { commonName: "Client", dns: ["c.example"], emails: ["c@example"], uris };
			const stream = await Promise.all([
				tlsConnect(listener.address as TcpAddress, {
					...TRUSTING,
					tls: { ca, ...authority.issue(claims) },
				}),
				listener.accept(),
			]);
			const { peerCertificate, authorized } = stream[1];
			assert.equal(authorized, true);
			assert.equal(peerCertificate?.subject["CN"], "Client");
			assert.equal(peerCertificate?.issuer["CN"], "Test Authority");
			assert.deepEqual(peerCertificate?.dnsNames, ["c.example"]);
			assert.deepEqual(peerCertificate?.emailAddresses, ["c@example"]);
			assert.deepEqual(peerCertificate?.uris, uris);
			assert.ok((peerCertificate?.validTo.getTime() ?? 0) > Date.now());
			assert.match(peerCertificate?.fingerprint256 ?? "", /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
			assert.equal(stream[0].peerCertificate?.subject["CN"], "localhost");
			const label = "EXPORTER-test";
			assert.deepEqual(
				stream[0].exportKeyingMaterial(32, label),
				stream[1].exportKeyingMaterial(32, label),
			);
			for (const each of stream) each.abort();
			listener.close();
		});

		test(`refuse a client without a certificate, or of another authority, with ${version}`, async () => {
			const errors: string[] = [];
			const tls = { ...localhost, ca, requestCert: true, maxVersion: version };
			const onHandshakeError = (error: Error): void => {
				errors.push(`${(error as TlsError).reason} ${(error as TlsError).detail}`);
			};
			await withEcho({ tls, onHandshakeError }, async (address, listener) => {
				for (const identity of [undefined, new Authority("Other").issue({ dns: ["c"] })]) {
					const attempt = tlsConnect(address, { ...TRUSTING, tls: { ca, ...identity } });
					// With TLS 1.3 the client is done before the server has looked at its certificate.
					await assert.rejects(attempt.then((stream) => drain(stream)));
				}
				assert.equal(listener.failedHandshakesCount, 2);
				assert.equal(listener.acceptedCount, 0);
			});
			assert.equal(errors.length, 2);
			assert.match(errors[1] ?? "", /^certificate UNABLE_TO/);
		});
	}

	test("tell the figures of the connection that carries them, and of nothing that has none", async () => {
		await withEcho({ tls: localhost }, async (address) => {
			const stream = await tlsConnect(address, TRUSTING);
			await stream.write("hello");
			await stream.readExactly(5);
			const { kind, tcp, bytesRead = 0, bytesWritten = 0 } = stream.stats() ?? {};
			assert.deepEqual([kind, tcp?.state], ["stream", "ESTABLISHED"]);
			assert.ok(bytesWritten > stream.bytesWritten && bytesRead > 5, "with the handshake");
			await stream.close();
			assert.ok((stream.stats()?.bytesRead ?? 0) >= bytesRead);
		});
		const [stream, other] = await secured(memoryStreams());
		assert.equal(stream.stats(), undefined);
		stream.abort();
		other.abort();
	});

	test("hold the servers of a service to its domain, and not to what its records name", async () => {
		const sni = {
			"example.test": authority.issue({ dns: ["example.test"] }),
			"db1.example.test": authority.issue({ dns: ["db1.example.test"] }),
		};
		await withEcho({ tls: { ...localhost, sni } }, async ({ port }) => {
			const record = { name: "db1.example.test", port, priority: 0, weight: 0 };
			const services = async (): Promise<(typeof record)[]> => [record];
			const resolver = Object.assign(async () => ["127.0.0.1"], { services });
			const options = { resolver, tls: { ca } };
			const service = "tcp+srv://_db._tcp.example.test.";
			for (const servername of [undefined, "db1.example.test"]) {
				const stream = await tlsConnect(service, { ...options, servername });
				assert.deepEqual(stream.peerCertificate?.dnsNames, [servername ?? "example.test"]);
				await stream.close();
			}
			const attempt = tlsConnect("tcp+srv://_db._tcp.elsewhere.test", options);
			await refused("name", "ERR_TLS_CERT_ALTNAME_INVALID", attempt);
		});
	});

	test("choose the certificate by the name that the client asks for", async () => {
		const sni = {
			"one.example": authority.issue({ dns: ["one.example"] }),
			"*.two.example": authority.issue({ dns: ["*.two.example"] }),
		};
		await withEcho({ tls: { ...localhost, sni } }, async (address) => {
			for (const [servername, expected] of [
				["one.example", "one.example"],
				["a.two.example", "*.two.example"],
				["localhost", "localhost"],
			]) {
				const stream = await tlsConnect(address, { servername, tls: { ca } });
				assert.deepEqual(stream.peerCertificate?.dnsNames, [expected]);
				assert.equal(stream.servername, servername);
				await stream.close();
			}
			await refused(
				"name",
				"ERR_TLS_CERT_ALTNAME_INVALID",
				tlsConnect(address, { servername: "three.example", tls: { ca } }),
			);
		});
	});

	test("verify clients by the authority of the server, whichever name they ask for", async () => {
		const stranger = new Authority("another");
		const own = authority.issue({ dns: ["own.example"] });
		const sni = {
			"one.example": authority.issue({ dns: ["one.example"] }),
			"own.example": { ...own, ca: stranger.cert },
			"two.example": { ...authority.issue({ dns: ["two.example"] }), ca: undefined },
		};
		const tls = { ...localhost, ca, requestCert: true, sni };
		await withEcho({ tls }, async (address) => {
			for (const [servername, issuer, accepted] of [
				["localhost", authority, true],
				["one.example", authority, true],
				["one.example", stranger, false],
				["two.example", authority, true],
				["two.example", stranger, false],
				["own.example", authority, false],
				["own.example", stranger, true],
			] as const) {
				const identity = issuer.issue({ commonName: "client" });
				const stream = await tlsConnect(address, { servername, tls: { ca, ...identity } });
				// With TLS 1.3 a client is refused after its side of the handshake is done.
				const answer = stream.write("x").then(() => stream.readExactly(1));
				const isAnswered = await answer.then(Boolean, () => false);
				assert.equal(isAnswered, accepted, servername);
				stream.abort();
			}
		});
	});

	test("use another certificate from renew() on", async () => {
		await withEcho({ tls: { ...localhost } }, async (address, listener) => {
			const serials: (string | undefined)[] = [];
			for (let i = 0; i < 2; i++) {
				const stream = await tlsConnect(address, TRUSTING);
				serials.push(stream.peerCertificate?.serialNumber);
				await stream.close();
				listener.renew(authority.issue());
			}
			assert.notEqual(serials[0], serials[1]);
		});
	});

	test("verify an IP address by the certificate's addresses, and do not name it to the server", async () => {
		await withEcho({ tls: localhost }, async (address) => {
			const stream = await tlsConnect(address, { tls: { ca } });
			assert.equal(stream.servername, undefined);
			assert.equal(stream.authorized, true);
			await stream.close();
		});
		await withEcho({ tls: authority.issue({ dns: ["localhost"] }) }, async (address) => {
			const attempt = tlsConnect(address, { tls: { ca } });
			await refused("name", "ERR_TLS_CERT_ALTNAME_INVALID", attempt);
		});
	});

	test("work over Unix sockets, where the name must be given", async () => {
		await withSocketPath(async (path) => {
			for (const at of [`unix:${path}`, `unix:${abstractName()}`] as const) {
				await withEcho(
					{ tls: localhost },
					async () => {
						await assert.rejects(tlsConnect(at, { tls: { ca } }), {
							code: "ERR_INVALID_ARG_VALUE",
							message: /"servername" must be given/,
						});
						const stream = await tlsConnect(at, TRUSTING);
						await stream.write("x");
						assert.equal(String(await stream.readExactly(1)), "x");
						await stream.close();
						const wrong = tlsConnect(at, { servername: "other", tls: { ca } });
						await refused("name", "ERR_TLS_CERT_ALTNAME_INVALID", wrong);
					},
					at,
				);
			}
		});
	});
});

describe("a time limit and a signal", () => {
	test("are for the whole of connecting and handshake", async () => {
		const server = createNetServer((socket) => socket.on("error", () => {}).resume());
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const address = `tcp://127.0.0.1:${(server.address() as { port: number }).port}` as const;
		const gone = new Promise((resolve) => {
			server.once("connection", (socket) => socket.once("close", resolve));
		});
		await assert.rejects(tlsConnect(address, { ...TRUSTING, timeoutMs: 50 }), {
			code: "ERR_TIMEOUT",
			timeoutMs: 50,
		});
		await gone;
		const controller = new AbortController();
		server.once("connection", () => controller.abort("enough"));
		await assert.rejects(tlsConnect(address, { ...TRUSTING, signal: controller.signal }), {
			code: "ABORT_ERR",
			cause: "enough",
		});
		server.close();
		await once(server, "close");
	});
});

test("wrong options are told before anything is opened", async () => {
	const type = { code: "ERR_INVALID_ARG_TYPE" };
	const at = "tcp://localhost:1";
	await assert.rejects(tlsConnect(at, { alpn: "h2" as never }), type);
	await assert.rejects(tlsConnect(at, { servername: 5 as never }), type);
	await assert.rejects(tlsConnect(at, { tls: 5 as never }), type);
	await assert.rejects(tlsConnect(at, { requireAlpn: 1 as never }), type);
	await assert.rejects(tlsConnect(at, { alpn: [""] }), { code: "ERR_INVALID_ARG_VALUE" });
	await assert.rejects(tlsConnect(at, { servername: "" }), { code: "ERR_INVALID_ARG_VALUE" });
	await assert.rejects(tlsConnect("udp://127.0.0.1:1"), { code: "ERR_INVALID_ADDRESS" });
	await assert.rejects(tlsListen("tcp://127.0.0.1:0", { tls: { cert: localhost.cert } }), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /must have the private key of its `cert` as `key`/,
	});
	await assert.rejects(tlsListen("tcp://127.0.0.1:0", { tls: {} }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	await assert.rejects(tlsListen("tcp://127.0.0.1:0", {} as never), type);
	await assert.rejects(tlsListen("unix-seqpacket:/x", { tls: localhost }), {
		code: "ERR_INVALID_ADDRESS",
	});
	await assert.rejects(tlsListen("tcp://127.0.0.1:0", { tls: localhost, handshakeTimeoutMs: 0 }), {
		code: "ERR_OUT_OF_RANGE",
	});
});

test("a certificate, a key or an authority that is none is told by the name of its field, and not shown", async () => {
	const { cert, key } = localhost;
	const junk = "no secret";
	const cases: [TlsServerOptions, RegExp][] = [
		[{ cert, key: junk }, /^"tls\.key" must be the contents of a file in PEM with a private key/],
		[{ cert: junk, key }, /^"tls\.cert" must be the contents of a file in PEM with a certificate/],
		[{ cert, key: authority.issue().key }, /^"tls\.key" must be the private key of `cert`/],
		[{ pfx: junk }, /^"tls\.pfx" must be the contents of a file of PKCS #12/],
		[{ cert, key, ca: "" }, /^"tls\.ca" must be .* in PEM with certificates/],
		[{ cert, key, ca: [authority.cert, junk] }, /^"tls\.ca" must be .* in PEM with certificates/],
		[{ cert, key, ciphers: junk }, /^"tls\.ciphers" must have ciphers that OpenSSL knows/],
		[{ sni: { "a.example": { cert, key: junk } } }, /^"tls\.sni\.a\.example\.key" must be/],
	];
	for (const [tls, message] of cases) {
		const refusal = (error: Error): boolean => {
			assert.equal((error as NodeJS.ErrnoException).code, "ERR_INVALID_ARG_VALUE");
			assert.match(error.message, message);
			assert.ok(!error.message.includes(junk));
			return true;
		};
		await assert.rejects(tlsListen("tcp://127.0.0.1:0", { tls }), refusal);
		if (tls.sni !== undefined) continue;
		await assert.rejects(
			tlsConnect("tcp://localhost:1", { tls: tls as TlsClientOptions["tls"] }),
			refusal,
		);
	}
});

test("keys and passphrases are not shown, whatever is wrong with the settings", async () => {
	const { cert, key } = localhost;
	const secret = 40_718_293;
	const passphrase = String(secret);
	const cases: [unknown, RegExp][] = [
		[key, /^"tls" must be an object$/],
		[[key], /^"tls" must be an object$/],
		[{ key, passphrase, cert: undefined }, /^"tls" must have a certificate: .*or `pfx`$/],
		[{ cert, key, passphrase: secret }, /^"tls\.passphrase" must be of type string$/],
		[{ cert, key: secret }, /^"tls\.key" must be of type string or an instance of Buffer/],
		[{ pfx: [null], passphrase }, /^"tls\.pfx" must be the contents of a file of PKCS #12/],
		[{ cert, key, sni: key }, /^"tls\.sni" must be an object$/],
		[{ cert, key, sni: { a: key } }, /^"tls\.sni\.a" must be an object$/],
		[{ cert, key, sni: { a: { key } } }, /^"tls\.sni\.a" must have a certificate/],
		[{ cert, key, sni: { a: { cert } } }, /^"tls\.sni\.a" must have the private key/],
	];
	for (const [tls, message] of cases) {
		await assert.rejects(tlsListen("tcp://127.0.0.1:0", { tls: tls as never }), (error: Error) => {
			assert.match(error.message, message);
			const shown = inspect(error);
			assert.ok(!shown.includes("PRIVATE KEY") && !shown.includes(passphrase), shown);
			return true;
		});
	}
});

test("connections of messages are refused, inherited ones too, and closed", async () => {
	const refusal = { code: "ERR_INVALID_ADDRESS" };
	await withSocketPath(async (path) => {
		const listener = await listen(`unix-seqpacket:${path}`);
		await assert.rejects(tlsConnect(`unix-seqpacket:${path}`, TRUSTING), refusal);
		const accepted = await listener.accept();
		assert.equal(await accepted.receive(), null);
		await accepted.close();
		const fd = listener.detach().detachFd();
		await assert.rejects(tlsListen(`fd:${fd}`, { tls: localhost }), refusal);
	});
});

async function drain(stream: AsyncIterable<Uint8Array> & { abort(): void }): Promise<void> {
	try {
		for await (const _ of stream);
	} finally {
		stream.abort();
	}
}

test("a server that never answers is given up after a while, where no time limit is given", async (t) => {
	await using listener = await listen("tcp://127.0.0.1:0");
	t.mock.timers.enable({ apis: ["setTimeout"] });
	try {
		const rejected = assert.rejects(tlsConnect(listener.address, TRUSTING), {
			code: "ERR_TIMEOUT",
			timeoutMs: LIMITS.handshakeMs,
			message: /^The handshake of TLS/,
		});
		await using stream = await listener.accept();
		await stream.read();
		t.mock.timers.tick(LIMITS.handshakeMs);
		await rejected;
		while ((await stream.read().catch(() => null)) !== null);
	} finally {
		t.mock.timers.reset();
	}
});
