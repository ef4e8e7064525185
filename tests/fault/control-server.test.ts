import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, type Listener, listen, type Stream } from "socketry";
import { type FaultControl, faultControl } from "socketry/fault";
import { Toxiproxy } from "toxiproxy-node-client";
import { ownLoopbackHosts } from "../support/own-addresses.ts";

async function talkTo(address: string): Promise<string> {
	let client: Stream | undefined;
	try {
		client = (await connect(`tcp://${address}` as `tcp://${string}`)) as Stream;
		await client.write("hello");
		await client.closeWrite();
		const chunks: Uint8Array[] = [];
		for await (const chunk of client) chunks.push(chunk);
		return String(Buffer.concat(chunks));
	} catch (error) {
		return (error as { code: string }).code;
	} finally {
		client?.abort();
	}
}

describe("a client library of Toxiproxy", () => {
	let control: FaultControl<"tcp">;
	let server: Listener<Stream<"tcp">>;
	let echoing: Promise<void>;
	let toxiproxy: Toxiproxy;
	let url: string;
	let upstream: string;

	before(async () => {
		server = await listen("tcp://127.0.0.1:0");
		echoing = (async () => {
			for await (const stream of server) {
				void (async () => {
					for await (const chunk of stream) await stream.write(chunk);
					await stream.close();
				})().catch(() => stream.abort());
			}
		})();
		upstream = `127.0.0.1:${server.address.port}`;
		control = await faultControl("tcp://127.0.0.1:0", { seed: 1 });
		url = `http://127.0.0.1:${control.address.port}`;
		toxiproxy = new Toxiproxy(url);
	});

	after(async () => {
		await control.close();
		server.close();
		await echoing;
	});

	test("finds a version", async () => {
		assert.match(await toxiproxy.getVersion(), /"version":"2\./);
	});

	test("makes a proxy, lists it, and removes it", async () => {
		const proxy = await toxiproxy.createProxy({ name: "db", listen: "localhost:0", upstream });
		assert.match(proxy.listen, /^(127\.0\.0\.1|\[::1\]):\d+$/);
		assert.equal(await talkTo(proxy.listen), "hello");
		assert.deepEqual(Object.keys(await toxiproxy.getAll()), ["db"]);
		assert.equal((await toxiproxy.get("db")).upstream, upstream);
		const other = await control.addProxy("ours", "tcp://127.0.0.1:0", `tcp://${upstream}`);
		const { port } = other.address as { port: number };
		const shown = await toxiproxy.get("ours");
		assert.deepEqual([shown.listen, shown.upstream], [`127.0.0.1:${port}`, upstream]);
		await shown.remove();
		await assert.rejects(toxiproxy.createProxy({ name: "db", listen: "", upstream }), /409/);
		await proxy.remove();
		await assert.rejects(toxiproxy.get("db"), /404/);
		assert.equal(await talkTo(proxy.listen), "ECONNREFUSED");
	});

	test("cuts, changes and heals connections by toxics", async () => {
		const proxy = await toxiproxy.createProxy({ name: "cut", listen: "127.0.0.1:0", upstream });
		const toxic = await proxy.addToxic({ type: "limit_data", attributes: { bytes: 2 } } as never);
		assert.equal(toxic.name, "limit_data_downstream");
		assert.equal(await talkTo(proxy.listen), "he");
		await toxic.update({ attributes: { bytes: 4 } } as never);
		assert.equal(await talkTo(proxy.listen), "hell");
		const same = await proxy.getToxic("limit_data_downstream");
		assert.deepEqual(same.attributes, { bytes: 4 });
		await toxic.remove();
		assert.equal(await talkTo(proxy.listen), "hello");
		await proxy.addToxic({ type: "reset_peer", attributes: { timeout: 0 } } as never);
		assert.equal(await talkTo(proxy.listen), "ECONNRESET");
		await toxiproxy.reset();
		assert.equal(await talkTo(proxy.listen), "hello");
		await assert.rejects(proxy.addToxic({ type: "nonsense", attributes: {} } as never), /400/);
		await assert.rejects(proxy.getToxic("none"), /404/);
		await proxy.remove();
	});

	test("disables a proxy and enables it again at the same port", async () => {
		const proxy = await toxiproxy.createProxy({
			name: "off",
			// While it is off nobody else takes the port.
			listen: `${ownLoopbackHosts()[0]}:0`,
			upstream,
		});
		const { listen: at } = proxy;
		const off = await proxy.update({ enabled: false, listen: at, upstream });
		assert.equal(off.enabled, false);
		assert.equal(await talkTo(at), "ECONNREFUSED");
		const on = await proxy.update({ enabled: true, listen: at, upstream });
		assert.deepEqual([on.enabled, on.listen], [true, at]);
		assert.equal(await talkTo(at), "hello");
		await proxy.remove();
	});

	test("populates, twice the same", async () => {
		const wanted = [
			{ name: "a", listen: "127.0.0.1:0", upstream },
			{ name: "b", listen: "127.0.0.1:0", upstream },
		];
		const made = await toxiproxy.populate(wanted as never);
		assert.deepEqual(Object.keys(made), ["a", "b"]);
		const again = wanted.map((each) => ({ ...each, listen: made[each.name]?.listen }));
		const same = await toxiproxy.populate(again as never);
		assert.equal(same["a"]?.listen, made["a"]?.listen);
		for (const each of Object.values(same)) await each.remove();
	});

	test("a browser, a strange host and a strange body are refused", async () => {
		const status = async (init: RequestInit, path = "/proxies"): Promise<number> =>
			(await fetch(url + path, init)).status;
		assert.equal(await status({}), 200);
		assert.equal(await status({ headers: { "user-agent": "Mozilla/5.0" } }), 403);
		assert.equal(await status({ headers: { origin: "https://example.com" } }), 403);
		assert.equal(await status({ method: "POST", body: "{" }), 400);
		assert.equal(await status({ method: "POST", body: "null" }), 400);
		assert.equal(await status({ method: "POST", body: " ".repeat(2_000_000) }), 413);
		assert.equal(await status({}, "/nothing"), 404);
		assert.equal(await status({}, "/proxies/%zz"), 400);
	});
});
