import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, type Datagrams, datagrams, listen } from "socketry";
import { type FaultControl, type FaultEvent, faultControl, type Toxic } from "socketry/fault";
import { Toxiproxy, type Proxy as ToxiproxyProxy } from "toxiproxy-node-client";
import { abstractName } from "../support/pairs.ts";

describe("Toxiproxy's interface changes proxies of every kind", () => {
	let control: FaultControl<"tcp">;
	let toxiproxy: Toxiproxy;
	let url: string;
	const events: (FaultEvent & { readonly proxy: string })[] = [];

	before(async () => {
		control = await faultControl("tcp://127.0.0.1:0", {
			seed: 5,
			onFault: (event) => events.push(event),
		});
		url = `http://127.0.0.1:${control.address.port}`;
		toxiproxy = new Toxiproxy(url);
	});

	after(() => control.close());

	function proxyOf(name: string, listenAt: string, upstream: string): Promise<ToxiproxyProxy> {
		return toxiproxy.createProxy({ name, listen: listenAt, upstream });
	}

	async function reply(from: Datagrams): Promise<string> {
		return String((await from.receive()).data);
	}

	test("datagrams are doubled, turned and lost while they come", async () => {
		await using server = await datagrams("udp://127.0.0.1:0");
		const { port } = server.address;
		const proxy = await proxyOf("dns", "udp://127.0.0.1:0", `udp://127.0.0.1:${port}`);
		await using client = await datagrams(undefined, { connect: proxy.listen });
		await client.send("plain");
		assert.equal(await reply(server), "plain");

		const attributes = { probability: 1 };
		const doubled = await proxy.addToxic({
			...{ type: "duplicate", stream: "upstream", attributes },
		} as never);
		assert.equal(doubled.name, "duplicate_upstream");
		await client.send("twice");
		assert.deepEqual([await reply(server), await reply(server)], ["twice", "twice"]);
		await doubled.update({ attributes: { probability: 0 } } as never);
		await client.send("once");
		assert.equal(await reply(server), "once");

		await proxy.addToxic({ type: "corrupt", stream: "upstream", attributes } as never);
		await client.send("whole");
		assert.notEqual(await reply(server), "whole");
		await toxiproxy.reset();
		await client.send("whole");
		assert.equal(await reply(server), "whole");

		await proxy.addToxic({ type: "loss", stream: "upstream", attributes } as never);
		await client.send("gone");
		await (await proxy.getToxic("loss_upstream")).remove();
		await client.send("after");
		assert.equal(await reply(server), "after");
		const told = events.filter((each) => each.proxy === "dns").map(({ toxic }) => toxic);
		assert.deepEqual(told, ["duplicate_upstream", "corrupt_upstream", "loss_upstream"]);
		await proxy.remove();
	});

	test("messages of a connection are lost and cut while it is open", async () => {
		const to = `unix-seqpacket:${abstractName()}` as const;
		await using server = await listen(to);
		const proxy = await proxyOf("bus", `unix-seqpacket:${abstractName()}`, to);
		await using client = await connect(proxy.listen as `unix-seqpacket:${string}`);
		await using other = await server.accept();
		await client.send("one");
		assert.equal(String(await other.receive()), "one");
		const attributes = { probability: 1 };
		const lost = await proxy.addToxic({ type: "loss", stream: "upstream", attributes } as never);
		await client.send("two");
		await other.send("back");
		assert.equal(String(await client.receive()), "back");
		await lost.remove();
		await client.send("three");
		assert.equal(String(await other.receive()), "three");
		await proxy.addToxic({ type: "limit_data", attributes: { bytes: 4 } } as never);
		await other.send("1234");
		assert.equal(String(await client.receive()), "1234");
		assert.equal(await client.receive(), null);
		await proxy.remove();
	});

	test("toxicity is a share of connections", async () => {
		const to = `unix-seqpacket:${abstractName()}` as const;
		await using server = await listen(to);
		const proxy = await proxyOf("share", `unix-seqpacket:${abstractName()}`, to);
		const toxic = { type: "limit_data", toxicity: 0.5, attributes: { bytes: 0 } };
		const { toxicity } = await proxy.addToxic(toxic as never);
		assert.equal(toxicity, 0.5);
		let cut = 0;
		for (let i = 0; i < 30; i++) {
			const client = await connect(proxy.listen as `unix-seqpacket:${string}`);
			const other = await server.accept();
			await other.send("x");
			if ((await client.receive()) === null) cut++;
			client.abort();
			other.abort();
		}
		assert.ok(cut > 5 && cut < 25, String(cut));
		await proxy.remove();
	});

	test("a type of another kind is refused as an unknown one is, and told by what there is", async () => {
		const proxy = await proxyOf("kinds", "udp://127.0.0.1:0", "udp://127.0.0.1:9");
		const post = async (path: string, body: object): Promise<unknown> => {
			const init = { method: "POST", body: JSON.stringify(body) };
			return await (await fetch(`${url}/proxies/kinds${path}`, init)).json();
		};
		assert.deepEqual(await post("/toxics", { type: "slicer" }), {
			...{ status: 400 },
			error: "invalid toxic type; there are latency, bandwidth, loss, duplicate, reorder, corrupt",
		});
		assert.deepEqual(await post("/toxics", { type: "latency", stream: "sideways" }), {
			...{ error: "stream was invalid, can be either upstream or downstream", status: 400 },
		});
		const { error } = (await post("", { upstream: "127.0.0.1:9" })) as { error: string };
		assert.match(error, /must be of one kind, not datagrams and stream/);
		const other = (await post("", { listen: "127.0.0.1:0", upstream: "127.0.0.1:9" })) as {
			error: string;
		};
		assert.match(other.error, /a proxy of datagrams stays one/);
		const added = (await post("/toxics", { type: "latency", name: "", stream: "" })) as Toxic;
		assert.deepEqual([added.name, added.stream], ["latency_downstream", "downstream"]);
		await proxy.remove();
	});
});
