/** Connections of TLS that end below it, where nobody has marked the end. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, listen, type Stream, type TlsError } from "socketry";
import { memoryStreams } from "socketry/testing";
import { tlsConnect, tlsListen } from "socketry/tls";
import { connectedStreams } from "../support/pairs.ts";
import { localhost, secured, VERSIONS } from "./pairs.ts";
import { type TcpAddress, TRUSTING } from "./servers.ts";

describe("a connection that is cut off", () => {
	for (const version of VERSIONS) {
		test(`without the end that TLS marks is no end, with ${version}`, async () => {
			const tls = { ...localhost, maxVersion: version };
			for (const allowTruncation of [false, true]) {
				const listener = await tlsListen("tcp://127.0.0.1:0", { tls });
				const middle = await middleman(listener.address as TcpAddress);
				const [stream, accepted] = await Promise.all([
					tlsConnect(middle.address, { ...TRUSTING, allowTruncation }),
					listener.accept(),
				]);
				await accepted.write("half of it");
				assert.equal(String(await stream.readExactly(10)), "half of it");
				// What a crash of the peer, or somebody on the way, does: the connection ends below TLS.
				await middle.cut();
				if (allowTruncation) assert.equal(await stream.read(), null);
				else {
					await assert.rejects(stream.read(), { code: "ERR_TLS", reason: "truncated" });
					await assert.rejects(stream.read(), { code: "ERR_TLS", reason: "truncated" });
				}
				assert.equal(stream.truncated, true);
				await stream.close();
				accepted.abort();
				listener.close();
			}
		});
	}

	test("in the middle of a record is no end either", async () => {
		const [left, right] = memoryStreams();
		const [stream] = await secured([left, right]);
		// The head of a record of 256 bytes, and no more of it.
		await right.write(Uint8Array.of(0x17, 3, 3, 1, 0, 1, 2, 3));
		await right.closeWrite();
		await assert.rejects(stream.read(), { code: "ERR_TLS", reason: "truncated" });
		stream.abort();
	});

	test("after the end that TLS marks has ended well, although both come at once", async () => {
		const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
		const [stream, accepted] = await secured([left, right]);
		for (let i = 0; i < 64; i++) void accepted.write(new Uint8Array(1_000));
		await accepted.close();
		let bytes = 0;
		for await (const chunk of stream) bytes += chunk.length;
		assert.equal(bytes, 64_000);
		assert.equal(stream.truncated, false);
		await stream.close();
	});

	test("and forged afterwards, breaks with what OpenSSL found", async () => {
		const [left, right] = memoryStreams();
		const [stream] = await secured([left, right]);
		await right.write(Uint8Array.from([0x17, 3, 3, 0, 32, ...new Uint8Array(32)]));
		await assert.rejects(stream.read(), (error: TlsError) => {
			assert.deepEqual([error.code, error.reason], ["ERR_TLS", "protocol"]);
			assert.match(error.detail ?? "", /BAD_RECORD_MAC/);
			return true;
		});
		stream.abort();
	});
});

/** Passes bytes on between a client and a server, until `cut`. */
async function middleman(
	target: TcpAddress,
): Promise<{ address: TcpAddress; cut(): Promise<void> }> {
	const listener = await listen("tcp://127.0.0.1:0");
	const ends: Stream[] = [];
	const pass = async (from: Stream, to: Stream): Promise<void> => {
		for await (const chunk of from) await to.write(chunk);
	};
	void listener.accept().then(async (client) => {
		const server = await connect(target);
		ends.push(client, server);
		pass(client, server).catch(() => undefined);
		pass(server, client).catch(() => undefined);
	});
	return {
		address: listener.address as TcpAddress,
		cut: async () => {
			await ends[0]?.close();
			ends[1]?.abort();
			listener.close();
		},
	};
}
