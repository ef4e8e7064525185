import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, listen, type Stream } from "socketry";
import { type FaultControl, faultControl } from "socketry/fault";
import { ownLoopbackHosts } from "../support/own-addresses.ts";

interface Reply {
	readonly status: number;
	readonly body: unknown;
}

describe("the HTTP interface of faults holds", () => {
	let control: FaultControl<"tcp">;
	let url: string;
	let port: number;

	before(async () => {
		control = await faultControl("tcp://127.0.0.1:0", { seed: 1 });
		({ port } = control.address);
		url = `http://127.0.0.1:${port}`;
	});

	after(() => control.close());

	async function ask(method: string, path: string, body?: unknown): Promise<Reply> {
		const text = typeof body === "string" ? body : JSON.stringify(body);
		const response = await fetch(url + path, { method, ...(text && { body: text }) });
		const answer = await response.text();
		return { status: response.status, body: answer === "" ? undefined : JSON.parse(answer) };
	}

	async function raw(request: string): Promise<string> {
		const stream = await connect(`tcp://127.0.0.1:${port}`);
		await stream.write(request);
		const chunks: Uint8Array[] = [];
		for await (const chunk of stream) chunks.push(chunk);
		await stream.close();
		return Buffer.concat(chunks).toString();
	}

	test("wrong bodies are refused one and all, and change nothing", async () => {
		await ask("POST", "/proxies", { name: "kept", upstream: "127.0.0.1:9" });
		const before = await ask("GET", "/proxies");
		const deep = "[".repeat(400_000) + "]".repeat(400_000);
		const proxies: unknown[] = [
			...["", "{", "null", "3", '"x"', deep, '{"name":"x"', "\u0000"],
			...[
				{},
				{ name: "" },
				{ name: 3, upstream: "a:1" },
				{ name: "x" },
				{ name: "x", upstream: 5 },
			],
			{ name: "x", upstream: "nonsense" },
			{ name: "x", upstream: "127.0.0.1:99999" },
			{ name: "x", upstream: "127.0.0.1:9", listen: {} },
			{ name: "x", upstream: "127.0.0.1:9", enabled: "yes" },
			{ name: "x", upstream: "unix:/x\u0000y" },
		];
		for (const body of proxies) {
			const { status, body: told } = await ask("POST", "/proxies", body);
			assert.equal(status, 400, JSON.stringify(told));
			assert.equal(typeof (told as { error: unknown }).error, "string");
		}
		const toxics: unknown[] = [
			...[{}, { type: 3 }, { type: "__proto__" }, { type: "toString" }],
			{ type: "latency", name: 3 },
			{ type: "latency", stream: 3 },
			{ type: "latency", toxicity: "1" },
			{ type: "latency", toxicity: -1 },
			{ type: "latency", attributes: 3 },
			{ type: "latency", attributes: { latency: "200" } },
			{ type: "latency", attributes: { latency: 1e300 } },
			{ type: "latency", attributes: { __proto__x: 1 } },
			'{"type":"latency","attributes":{"__proto__":{"latency":1}}}',
			'{"type":"slicer","attributes":{"average_size":0}}',
		];
		for (const body of toxics) {
			const { status } = await ask("POST", "/proxies/kept/toxics", body);
			assert.equal(status, 400, JSON.stringify(body));
		}
		for (const body of [{}, [3], [null], [{ name: "y" }], [{ name: "y", upstream: "a:1" }, {}]]) {
			assert.equal((await ask("POST", "/populate", body)).status, 400);
		}
		assert.deepEqual(await ask("GET", "/proxies"), before);
		await ask("DELETE", "/proxies/kept");
	});

	test("unknown names are 404, and wrong methods 405", async () => {
		for (const [method, path, status] of [
			["GET", "/", 404],
			["GET", "//", 404],
			["GET", "/metrics", 404],
			["GET", "/proxies/none", 404],
			["GET", "/proxies/constructor", 404],
			["POST", "/proxies/none/toxics", 404],
			["DELETE", "/proxies/none", 404],
			["GET", "/proxies/none/toxics/none/none", 404],
			["DELETE", "/proxies", 405],
			["PUT", "/proxies", 405],
			["GET", "/reset", 405],
			["GET", "/populate", 405],
			["POST", "/version", 405],
		] as const) {
			assert.equal((await ask(method, path)).status, status, `${method} ${path}`);
		}
	});

	test("a name of any characters can be made and removed", async () => {
		for (const name of ["a/b", "ä ö", "__proto__", "%", "\u001b[31m", "x".repeat(5000)]) {
			const path = `/proxies/${encodeURIComponent(name)}`;
			const made = await ask("POST", "/proxies", { name, upstream: "127.0.0.1:9" });
			assert.equal(made.status, 201, name);
			assert.ok(Object.hasOwn((await ask("GET", "/proxies")).body as object, name));
			assert.equal((await ask("GET", path)).status, 200);
			assert.equal((await ask("DELETE", path)).status, 204);
		}
	});

	test("who sends nothing, half a request or a broken one holds up nobody", async () => {
		const slow = await connect(`tcp://127.0.0.1:${port}`);
		await slow.write("POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
		const silent = await connect(`tcp://127.0.0.1:${port}`);
		assert.match(await raw("nonsense\r\n\r\n"), /^HTTP\/1\.1 400/);
		assert.match(
			await raw("GET /version HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
			/^HTTP\/1\.1 403/,
		);
		assert.equal((await ask("GET", "/version")).status, 200);
		slow.abort();
		silent.abort();
		assert.equal((await ask("GET", "/version")).status, 200);
	});

	test("two clients at once make one proxy of a name, and every change is whole", async () => {
		const made = await Promise.all(
			Array.from({ length: 10 }, () =>
				ask("POST", "/proxies", { name: "one", upstream: "127.0.0.1:9" }),
			),
		);
		assert.deepEqual(made.map(({ status }) => status).sort(), [201, ...Array(9).fill(409)]);
		await Promise.all(
			Array.from({ length: 40 }, (_, number) =>
				ask("POST", "/proxies/one", { enabled: number % 2 === 1 }),
			),
		);
		const toxics = await Promise.all(
			Array.from({ length: 20 }, (_, number) =>
				ask("POST", "/proxies/one/toxics", { type: "latency", name: `t${number % 10}` }),
			),
		);
		assert.equal(toxics.filter(({ status }) => status === 409).length, 10);
		const { toxics: there } = (await ask("GET", "/proxies/one")).body as { toxics: unknown[] };
		assert.equal(there.length, 10);
		const removed = await Promise.all([1, 2, 3].map(() => ask("DELETE", "/proxies/one")));
		assert.deepEqual(removed.map(({ status }) => status).sort(), [204, 404, 404]);
	});

	test("a proxy that is removed resets its connections, and its port is free at once", async () => {
		await using server = await listen("tcp://127.0.0.1:0");
		const upstream = `127.0.0.1:${server.address.port}`;
		const own = `${ownLoopbackHosts()[0]}:0`;
		const made = await ask("POST", "/proxies", { name: "busy", upstream, listen: own });
		const { listen: at } = made.body as { listen: string };
		const clients = await Promise.all(
			Array.from({ length: 20 }, () => connect(`tcp://${at}` as `tcp://${string}`)),
		);
		const others: Stream[] = [];
		for (const client of clients) {
			others.push(await server.accept());
			await client.write("x");
		}
		assert.equal((await ask("DELETE", "/proxies/busy")).status, 204);
		for (const end of [...clients, ...others]) {
			await assert.rejects(
				(async () => {
					for (;;) if ((await end.read()) === null) return;
				})(),
				{ code: "ECONNRESET" },
			);
			end.abort();
		}
		const again = await ask("POST", "/proxies", { name: "busy", upstream, listen: at });
		assert.deepEqual([again.status, (again.body as { listen: string }).listen], [201, at]);
		await ask("DELETE", "/proxies/busy");
	});

	test("populating again with the same words leaves connections alone", async () => {
		await using server = await listen("tcp://127.0.0.1:0");
		const upstream = `localhost:${server.address.port}`;
		const wanted = [{ name: "p", listen: "localhost:0", upstream }];
		const first = await ask("POST", "/populate", wanted);
		const [made] = (first.body as { proxies: { listen: string }[] }).proxies;
		const client = await connect(`tcp://${made?.listen}` as `tcp://${string}`);
		const other = await server.accept();
		for (const listenAt of ["localhost:0", made?.listen]) {
			const again = await ask("POST", "/populate", [{ ...wanted[0], listen: listenAt }]);
			assert.deepEqual([again.status, again.body], [201, first.body]);
		}
		await client.write("still here");
		assert.equal(String(await other.readExactly(10)), "still here");
		client.abort();
		other.abort();
		await ask("DELETE", "/proxies/p");
	});
});

test("only who listens for other machines is known by any name", async () => {
	for (const [host, status] of [
		["127.0.0.1", 403],
		["0.0.0.0", 200],
	] as const) {
		const control = await faultControl(`tcp://${host}:0`);
		const { port } = control.address;
		const stream = await connect(`tcp://127.0.0.1:${port}`);
		await stream.write(
			`GET /version HTTP/1.1\r\nHost: toxiproxy:${port}\r\nConnection: close\r\n\r\n`,
		);
		assert.match(String(await stream.read()), new RegExp(`^HTTP/1.1 ${status}`));
		stream.abort();
		await control.close();
	}
});
