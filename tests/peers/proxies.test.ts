import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect, listen, type Stream } from "socketry";
import { connectThrough, encodeProxyHeader, proxied } from "socketry/proxy";
import { inFolder } from "../support/folder.ts";
import { freePort, lacking, startPeer, stop } from "../support/programs.ts";

const port = (address: object): number => (address as { port: number }).port;

/** Connects as soon as the program listens. */
async function connectSoon(address: string): Promise<Stream> {
	for (let i = 0; ; i++) {
		try {
			return (await connect(address)) as Stream;
		} catch (error) {
			if (i === 5_000) throw error;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}
}

async function withHaproxy(
	t: TestContext,
	section: string,
	body: () => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const path = join(folder, "haproxy.cfg");
		const defaults =
			"defaults\n mode tcp\n timeout connect 60s\n timeout client 60s\n timeout server 60s\n";
		writeFileSync(path, `global\n maxconn 100\n${defaults}${section}\n`);
		const haproxy = startPeer("haproxy", ["-db", "-f", path]);
		t.after(() => haproxy.process.kill("SIGKILL"));
		await body();
		await stop(haproxy);
	});
}

for (const [option, version] of [
	["send-proxy", 1],
	["send-proxy-v2 proxy-v2-options unique-id,crc32c", 2],
] as const) {
	test(`HAProxy with ${option} tells who its client is`, {
		skip: lacking("haproxy"),
	}, async (t) => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const front = await freePort();
		const section = `listen front\n bind 127.0.0.1:${front}\n unique-id-format id-%ci\n server ours 127.0.0.1:${port(listener.address)} ${option}`;
		await withHaproxy(t, section, async () => {
			await using client = await connectSoon(`tcp://127.0.0.1:${front}`);
			await client.write("through HAProxy");
			for await (const { stream, header, client: caller } of proxied(listener, {
				trust: () => true,
			})) {
				assert.equal(header?.version, version);
				assert.deepEqual(caller, client.address);
				assert.deepEqual(header?.destination, client.peer);
				const id = header?.extensions.find(({ type }) => type === 5)?.value;
				assert.equal(id && String(id), version === 2 ? "id-127.0.0.1" : undefined);
				assert.equal(String(await stream.readExactly(15)), "through HAProxy");
				await stream.close();
				break;
			}
		});
	});
}

for (const version of [1, 2] as const) {
	test(`HAProxy takes our header of version ${version}`, {
		skip: lacking("haproxy"),
	}, async (t) => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const front = await freePort();
		const section = `listen front\n bind 127.0.0.1:${front} accept-proxy\n server ours 127.0.0.1:${port(listener.address)} send-proxy`;
		await withHaproxy(t, section, async () => {
			const source = { transport: "tcp", host: "192.0.2.9", port: 999 } as const;
			const destination = { transport: "tcp", host: "192.0.2.1", port: 80 } as const;
			await using client = await connectSoon(`tcp://127.0.0.1:${front}`);
			await client.write(encodeProxyHeader({ version, source, destination }));
			await client.write("x");
			for await (const { stream, client: caller } of proxied(listener, { trust: () => true })) {
				assert.deepEqual(caller, source);
				stream.abort();
				break;
			}
		});
	});
}

async function echoThrough(proxy: string): Promise<void> {
	await using listener = await listen("tcp://127.0.0.1:0");
	const echoing = (async () => {
		await using stream = await listener.accept();
		for await (const chunk of stream) await stream.write(chunk);
	})();
	await using stream = await connectThrough(proxy, `tcp://localhost:${port(listener.address)}`);
	await stream.write("there and back");
	assert.equal(String(await stream.readExactly(14)), "there and back");
	await stream.closeWrite();
	assert.equal(await stream.read(), null);
	await echoing;
}

test("microsocks connects us by SOCKS5, with a password", {
	skip: lacking("microsocks"),
}, async (t) => {
	const at = await freePort();
	const args = ["-i", "127.0.0.1", "-p", `${at}`, "-u", "me", "-P", "secret"];
	const proxy = startPeer("microsocks", args);
	t.after(() => proxy.process.kill("SIGKILL"));
	(await connectSoon(`tcp://127.0.0.1:${at}`)).abort();
	await echoThrough(`socks5://me:secret@127.0.0.1:${at}`);
	const wrong = connectThrough(`socks5://me:wrong@127.0.0.1:${at}`, "tcp://localhost:1");
	await assert.rejects(wrong, { code: "ERR_PROXY", message: /are wrong/ });
	await assert.rejects(connectThrough(`socks5://127.0.0.1:${at}`, "tcp://localhost:1"), {
		code: "ERR_PROXY",
		reply: 0xff,
	});
	const refused = connectThrough(`socks5://me:secret@127.0.0.1:${at}`, "tcp://127.0.0.1:1");
	await assert.rejects(refused, { code: "ERR_PROXY", reply: 5 });
	await stop(proxy);
});

test("tinyproxy connects us by HTTP, with a password", {
	skip: lacking("tinyproxy"),
}, async (t) => {
	await inFolder(async (folder) => {
		const at = await freePort();
		const path = join(folder, "tinyproxy.conf");
		writeFileSync(
			path,
			`Port ${at}\nListen 127.0.0.1\nTimeout 100\nMaxClients 10\nBasicAuth me secret\n`,
		);
		const proxy = startPeer("tinyproxy", ["-d", "-c", path]);
		t.after(() => proxy.process.kill("SIGKILL"));
		(await connectSoon(`tcp://127.0.0.1:${at}`)).abort();
		await echoThrough(`http://me:secret@127.0.0.1:${at}`);
		const unknown = connectThrough(`http://127.0.0.1:${at}`, "tcp://localhost:1");
		await assert.rejects(unknown, { code: "ERR_PROXY", reply: 407 });
		const refused = connectThrough(`http://me:secret@127.0.0.1:${at}`, "tcp://127.0.0.1:1");
		await assert.rejects(refused, { code: "ERR_PROXY", reply: 500 });
		await stop(proxy);
	});
});
