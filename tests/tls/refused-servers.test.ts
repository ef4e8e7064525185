/** Servers that a client of TLS does not talk to, and what it says of them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createNetServer } from "node:net";
import { describe, test } from "node:test";
import { TlsError } from "socketry";
import { tlsConnect } from "socketry/tls";
import type { Claims } from "../support/certificates.ts";
import { authority, localhost } from "./pairs.ts";
import { ca, refused, TRUSTING, withEcho } from "./servers.ts";

describe("a server is refused", () => {
	const past = new Date("2020-01-01");
	const cases: readonly [what: string, claims: Claims, detail: string][] = [
		["whose certificate has expired", { validTo: past, validFrom: past }, "CERT_HAS_EXPIRED"],
		[
			"whose certificate is not valid yet",
			{ validFrom: new Date("2049-01-01"), validTo: new Date("2049-02-01") },
			"CERT_NOT_YET_VALID",
		],
	];
	for (const [what, claims, detail] of cases) {
		test(what, async () => {
			const tls = authority.issue({ dns: ["localhost"], ...claims });
			await withEcho({ tls }, async (address) => {
				await refused("certificate", detail, tlsConnect(address, TRUSTING));
			});
		});
	}

	test("whose authority is not known, whatever NODE_TLS_REJECT_UNAUTHORIZED says", async () => {
		process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
		try {
			await withEcho({ tls: localhost }, async (address) => {
				const attempt = tlsConnect(address, { servername: "localhost" });
				await refused("certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", attempt);
			});
		} finally {
			delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
		}
	});

	test("but not when the caller says so, and the stream tells", async () => {
		await withEcho({ tls: localhost }, async (address) => {
			const stream = await tlsConnect(address, { tls: { rejectUnauthorized: false } });
			assert.equal(stream.authorized, false);
			await stream.close();
		});
	});

	test("that has no application protocol in common", async () => {
		await withEcho({ tls: { ...localhost, ALPNProtocols: ["a"] } }, async (address) => {
			const attempt = tlsConnect(address, { ...TRUSTING, alpn: ["b"] });
			const error = await attempt.catch((failure: unknown) => failure);
			assert.ok(error instanceof TlsError);
			assert.equal(error.reason, "alpn");
		});
	});

	test("that ignores the application protocol, if it is required", async () => {
		await withEcho({ tls: localhost }, async (address) => {
			const stream = await tlsConnect(address, { ...TRUSTING, alpn: ["h2"] });
			assert.equal(stream.alpn, undefined);
			await stream.close();
			const attempt = tlsConnect(address, { ...TRUSTING, alpn: ["h2"], requireAlpn: true });
			await refused("alpn", undefined, attempt);
		});
	});

	test("that speaks no TLS", async () => {
		const server = createNetServer((socket) =>
			socket
				.on("error", () => {})
				.resume()
				.end("HTTP/1.1 400 No\r\n\r\n"),
		);
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as { port: number };
		await refused(
			"handshake",
			"ERR_SSL_WRONG_VERSION_NUMBER",
			tlsConnect(`tcp://127.0.0.1:${port}`, TRUSTING),
		);
		server.close();
	});

	test("that hangs up", async () => {
		const server = createNetServer((socket) => socket.once("data", () => socket.end()));
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as { port: number };
		await refused("ended", "ECONNRESET", tlsConnect(`tcp://127.0.0.1:${port}`, TRUSTING));
		server.close();
	});

	test("that wants another version", async () => {
		await withEcho({ tls: { ...localhost, minVersion: "TLSv1.3" } }, async (address) => {
			const tls = { ca, maxVersion: "TLSv1.2" } as const;
			const attempt = tlsConnect(address, { servername: "localhost", tls });
			const error = await attempt.catch((failure: unknown) => failure as TlsError);
			assert.equal((error as TlsError).reason, "handshake");
		});
	});
});
