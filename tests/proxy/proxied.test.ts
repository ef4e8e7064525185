import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, listen, type Stream } from "socketry";
import { encodeProxyHeader, type ProxiedConnection, proxied } from "socketry/proxy";

const source = { transport: "tcp", host: "192.0.2.7", port: 7 } as const;
const destination = { transport: "tcp", host: "192.0.2.1", port: 80 } as const;
const header = encodeProxyHeader({ source, destination });

test("the client of a trusted proxy is who the proxy says; of others, the peer", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	for (const isTrusted of [true, false]) {
		await using client = (await connect(listener.address)) as Stream;
		await client.write(header);
		await client.write("hello");
		await client.closeWrite();
		for await (const connection of proxied(listener, { trust: () => isTrusted })) {
			const { stream } = connection;
			let text = "";
			for await (const chunk of stream) text += Buffer.from(chunk).toString("latin1");
			const whole = Buffer.from(header).toString("latin1");
			assert.deepEqual(connection.client, isTrusted ? source : client.address);
			assert.equal(connection.header?.version, isTrusted ? 2 : undefined);
			assert.equal(text, isTrusted ? "hello" : `${whole}hello`);
			await stream.close();
			break;
		}
	}
});

test("a connection whose header does not come holds up no other", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const silent = await Promise.all(
		Array.from({ length: 10 }, () => connect(listener.address) as Promise<Stream>),
	);
	await using client = (await connect(listener.address)) as Stream;
	await client.write(header);
	for await (const { stream, client: caller } of proxied(listener, { trust: () => true })) {
		assert.deepEqual(caller, source);
		stream.abort();
		break;
	}
	// Left early: those whose header was awaited are gone.
	for (const each of silent) {
		assert.equal(await each.read().catch(() => null), null);
		each.abort();
	}
});

test("a peer without a proper header is refused and told of; the loop goes on and ends with the listener", async () => {
	const refused: string[] = [];
	const listener = await listen("tcp://127.0.0.1:0");
	const arrived: ProxiedConnection[] = [];
	const loop = (async () => {
		const options = {
			trust: () => true,
			// Longer than a header of this process is ever on its way.
			headerTimeoutMs: 3_000,
			onRefused: (error: Error) => refused.push((error as unknown as { code: string }).code),
		};
		for await (const connection of proxied(listener, options)) {
			arrived.push(connection);
			connection.stream.abort();
			listener.close();
		}
	})();
	for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "", header]) {
		await using client = (await connect(listener.address)) as Stream;
		if (bytes.length > 0) await client.write(bytes);
		await client.read().catch(() => null);
	}
	await loop;
	assert.deepEqual(refused, ["ERR_FRAMING", "ERR_TIMEOUT"]);
	assert.equal(arrived.length, 1);
});

test("more connections than are awaited at a time are all served", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const count = 200;
	const clients = Array.from({ length: count }, async () => {
		await using client = (await connect(listener.address)) as Stream;
		await client.write(header);
		assert.equal(await client.read(), null);
	});
	let served = 0;
	for await (const { stream } of proxied(listener, { trust: () => true })) {
		await stream.close();
		if (++served === count) break;
	}
	await Promise.all(clients);
});

test("a promise of trust is no trust: its connection is refused", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const refused: unknown[] = [];
	const trust = (async () => false) as unknown as () => boolean;
	const loop = proxied(listener, { trust, onRefused: (error) => refused.push(error) });
	const next = loop.next();
	await using client = await connect(listener.address);
	await assert.rejects((client as Stream).read(), { code: "ECONNRESET" });
	listener.close();
	assert.equal((await next).done, true);
	assert.match(String(refused[0]), /trust\(\)/);
});

test("options without trust are refused", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	for (const options of [undefined, {}, { trust: true }]) {
		const loop = proxied(listener, options as never);
		await assert.rejects(loop.next(), { code: "ERR_INVALID_ARG_TYPE" });
	}
});
