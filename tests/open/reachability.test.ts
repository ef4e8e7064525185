import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import {
	cachedResolver,
	connect,
	datagrams,
	type FailedAttempt,
	listen,
	lookup,
	type Resolver,
	type Stream,
	whenReachable,
} from "socketry";
import { inFolder } from "../support/folder.ts";

const BOTH: Resolver = async () => ["192.0.2.1", "2001:db8::1", "192.0.2.2"];

function hosts(addresses: readonly object[]): string[] {
	return addresses.map((address) => (address as { host: string }).host);
}

test("lookup gives every address of a name, with its transport and port", async () => {
	const found = await lookup("udp://example.org:53", { resolver: BOTH });
	assert.deepEqual(found[0], { transport: "udp", host: "192.0.2.1", port: 53 });
	assert.equal(found.length, 3);
	assert.deepEqual(await lookup("tcp://[::1]:1"), [{ transport: "tcp", host: "::1", port: 1 }]);
	assert.ok(
		hosts(await lookup("tcp://localhost:1")).some((host) => /^(127\.0\.0\.1|::1)$/.test(host)),
	);
});

test("a resolver may answer at once", async () => {
	const resolver = (() => ["192.0.2.1"]) as unknown as Resolver;
	for (const wait of [{}, { timeoutMs: 1_000 }]) {
		assert.equal((await lookup("tcp://a:1", { resolver, ...wait })).length, 1);
	}
	const services = () => [{ name: "a", port: 1, priority: 0, weight: 0 }];
	const both = Object.assign(resolver, { services }) as unknown as Resolver;
	assert.equal(
		(await lookup("tcp+srv://_a._tcp.b", { resolver: both, timeoutMs: 1_000 })).length,
		1,
	);
});

test("lookup orders by family as it is told", async () => {
	const [v4, v6, other] = ["192.0.2.1", "2001:db8::1", "192.0.2.2"];
	const orders = {
		system: [v4, v6, other],
		"inet-first": [v4, other, v6],
		"inet6-first": [v6, v4, other],
		interleaved: [v4, v6, other],
	} as const;
	for (const [order, expected] of Object.entries(orders)) {
		const options = { resolver: BOTH, order: order as keyof typeof orders };
		assert.deepEqual(hosts(await lookup("tcp://a:1", options)), expected, order);
	}
	assert.deepEqual(hosts(await lookup("tcp://a:1", { resolver: BOTH, family: "inet6" })), [v6]);
});

test("lookup fails with an error that says why", async () => {
	const only4: Resolver = async () => ["192.0.2.1"];
	await assert.rejects(lookup("tcp://a:1", { resolver: only4, family: "inet6" }), {
		code: "ENOTFOUND",
		message: /no address of family inet6/,
	});
	await assert.rejects(lookup("tcp://nowhere.invalid:1"), { code: /^(ENOTFOUND|EAI_AGAIN)$/ });
	await assert.rejects(lookup("tcp://a:1", { order: "random" as "system" }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	const never: Resolver = () => new Promise(() => {});
	await assert.rejects(lookup("tcp://a:1", { resolver: never, timeoutMs: 10 }), {
		code: "ERR_TIMEOUT",
		message: /^Resolving/,
	});
	const leaving = new AbortController();
	setImmediate(() => leaving.abort());
	await assert.rejects(lookup("tcp://a:1", { resolver: never, signal: leaving.signal }), {
		code: "ABORT_ERR",
	});
});

test("a cached resolver asks once for those who ask at the same time and later", async () => {
	const resolver = cachedResolver();
	const [first, second] = await Promise.all([resolver("localhost", {}), resolver("localhost", {})]);
	assert.equal(first, second);
	assert.equal(await resolver("localhost", {}), first);
	assert.throws(() => (first as string[]).push("192.0.2.1"), "nobody changes what others get");
	resolver.clear();
	const again = await resolver("localhost", {});
	assert.notEqual(again, first);
	assert.deepEqual(again, first);
});

test("a resolver that asks name servers does not ask them for localhost", async () => {
	const resolver = cachedResolver({ source: "dns", nameservers: ["127.0.0.1:1"] });
	for (const name of ["localhost", "app.localhost", "localhost."]) {
		assert.deepEqual(await resolver(name, {}), ["::1", "127.0.0.1"]);
	}
	await assert.rejects(resolver("notlocalhost", {}), { code: "EAI_AGAIN" });
});

test("name servers are waited for as long as anybody waits for their answer", async () => {
	await using silent = await datagrams("udp://127.0.0.1:0");
	const { port } = silent.address;
	const resolver = cachedResolver({ source: "dns", nameservers: [`127.0.0.1:${port}`] });
	const [first, second] = [new AbortController(), new AbortController()];
	let ended = 0;
	const waiting = [first, second].map(({ signal }) =>
		assert.rejects(resolver("a.test", { signal }), { code: "EAI_AGAIN" }).then(() => ended++),
	);
	await silent.receive();
	first.abort();
	for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
	assert.equal(ended, 0, "the other one still waits");
	second.abort();
	await Promise.all(waiting);
	const leaving = new AbortController();
	const asking = assert.rejects(resolver.services("_a._tcp.a.test", leaving), {
		code: "EAI_AGAIN",
	});
	await silent.receive();
	leaving.abort();
	await asking;
});

test("a name server that refuses to answer is told apart from one that is silent", async () => {
	for (const [rcode, expected] of [
		[2, /the name server has failed to find out \(ESERVFAIL\)/],
		[5, /the name server refuses to answer \(EREFUSED\)/],
	] as const) {
		const server = await datagrams("udp://127.0.0.1:0");
		const { port } = server.address;
		const answering = (async () => {
			for await (const { data, from } of server) {
				const answer = Uint8Array.from(data);
				answer[2] = 0x81;
				answer[3] = 0x80 | rcode;
				await server.send(answer, from);
			}
		})();
		const resolver = cachedResolver({ source: "dns", nameservers: [`127.0.0.1:${port}`] });
		const told = { code: "EAI_AGAIN", message: expected };
		await assert.rejects(resolver.services("_a._tcp.a.test", {}), told);
		await assert.rejects(resolver("a.test", {}), told);
		await server.close();
		await answering;
	}
});

test("wrong names and name servers are told of", async () => {
	await assert.rejects(cachedResolver()(null as unknown as string, {}), {
		code: "ERR_INVALID_ARG_TYPE",
		message: /"name" must be a string, but is null/,
	});
	assert.throws(() => cachedResolver({ nameservers: ["127.0.0.1"] }), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"nameservers" must go with source: "dns"/,
	});
	for (const nameservers of [[], ["ns.example"]]) {
		assert.throws(() => cachedResolver({ source: "dns", nameservers }), {
			code: "ERR_INVALID_ARG_VALUE",
			message: /must be IP addresses, perhaps with ports/,
		});
	}
	for (const nameservers of ["127.0.0.1", [1]] as unknown as string[][]) {
		assert.throws(() => cachedResolver({ source: "dns", nameservers }), {
			code: "ERR_INVALID_ARG_TYPE",
		});
	}
});

test("a cached resolver forgets the oldest name, and what is too old", async () => {
	const small = cachedResolver({ maxNames: 1 });
	const first = await small("localhost", {});
	await small("127.0.0.1", {});
	assert.notEqual(await small("localhost", {}), first);
	const brief = cachedResolver({ maxAgeMs: 0 });
	assert.notEqual(await brief("localhost", {}), await brief("localhost", {}));
});

test("a cached resolver does not keep failures, and serves connect", async () => {
	const resolver = cachedResolver();
	for (let i = 0; i < 2; i++) {
		await assert.rejects(resolver("nowhere.invalid", {}), { code: /^(ENOTFOUND|EAI_AGAIN)$/ });
	}
	await using listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	await using stream = await connect(`tcp://localhost:${port}`, { resolver });
	assert.equal(stream.closed, false);
});

test("attempts are repeated until somebody listens, with growing pauses that are told of", async () => {
	await inFolder(async (folder) => {
		const path = `unix:${folder}/late.sock` as const;
		const failures: FailedAttempt[] = [];
		const enough = new AbortController();
		const connecting = connect(path, {
			retry: {
				delayMs: 4,
				maxDelayMs: 8,
				onFailure: (failed) => {
					failures.push(failed);
					if (failures.length === 5) enough.abort();
				},
			},
		});
		await once(enough.signal, "abort");
		await using listener = await listen(path);
		await using stream = await connecting;
		await using _peer = await listener.accept();
		assert.equal(stream.closed, false);
		assert.deepEqual(
			failures.slice(0, 5).map(({ attempt }) => attempt),
			[1, 2, 3, 4, 5],
		);
		for (const { attempt, delayMs, error } of failures) {
			const full = Math.min(8, 4 * 2 ** (attempt - 1));
			assert.ok(delayMs >= full / 2 && delayMs <= full, `${delayMs}`);
			assert.equal((error as { code?: string }).code, "ENOENT");
		}
	});
});

test("attempts end with their number, the last error being told", async () => {
	let failures = 0;
	const retry = { attempts: 3, delayMs: 1, onFailure: () => failures++ };
	await assert.rejects(connect("tcp://127.0.0.1:1", { retry }), { code: "ECONNREFUSED" });
	assert.equal(failures, 2);
});

test("attempts end with the time, and the error has the last failure as its cause", async () => {
	const retry = { delayMs: 5, maxDelayMs: 5 };
	await assert.rejects(connect("tcp://127.0.0.1:1", { retry, timeoutMs: 40 }), (error: Error) => {
		assert.equal((error as unknown as { code: string }).code, "ERR_TIMEOUT");
		assert.equal((error as unknown as { timeoutMs: number }).timeoutMs, 40);
		assert.equal((error.cause as { code: string }).code, "ECONNREFUSED");
		return true;
	});
});

test("attempts end with the signal, in the middle of a pause", async () => {
	const leaving = new AbortController();
	const retry = {
		delayMs: 1_000_000,
		onFailure: () => setImmediate(() => leaving.abort("enough")),
	};
	const connecting = connect("tcp://127.0.0.1:1", { retry, signal: leaving.signal });
	await assert.rejects(connecting, { code: "ABORT_ERR" });
});

test("an error that does not pass is told at once", async () => {
	const onFailure = (): never => assert.fail("tried again");
	await inFolder(async (folder) => {
		const path = `unix:${folder}/s`;
		const taken = await listen(path);
		await assert.rejects(connect(`unix-seqpacket:${folder}/s`, { retry: { onFailure } }), {
			code: "EPROTOTYPE",
		});
		taken.close();
	});
	for (const retry of [
		{ attempts: 0 },
		{ delayMs: 1.5 },
		{ onFailure: 1 },
		{ alsoAfter: [1] },
		3,
	]) {
		await assert.rejects(connect("tcp://127.0.0.1:1", { retry: retry as object }), isWrongCall);
	}
});

function isWrongCall(error: unknown): boolean {
	return error instanceof TypeError || error instanceof RangeError;
}

test("a name that is not known yet is waited for where that is asked for, and by whenReachable", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	const laterKnown = (): Resolver => {
		let questions = 0;
		return async () => (questions++ < 2 ? [] : ["127.0.0.1"]);
	};
	const address = `tcp://container.test:${port}` as const;
	const delayMs = 1;
	await assert.rejects(connect(address, { resolver: laterKnown(), retry: { delayMs } }), {
		code: "ENOTFOUND",
	});
	const retry = { delayMs, alsoAfter: ["ENOTFOUND"] };
	await using stream = await connect(address, { resolver: laterKnown(), retry });
	assert.equal(stream.closed, false);
	await whenReachable(address, { resolver: laterKnown(), retry: { delayMs } });
	const atOnce = { retry: { alsoAfter: [] }, resolver: laterKnown() };
	await assert.rejects(whenReachable(address, atOnce), { code: "ENOTFOUND" });
});

test("what onFailure throws ends the attempts", async () => {
	const onFailure = (): never => {
		throw new Error("mine");
	};
	await assert.rejects(connect("tcp://127.0.0.1:1", { retry: { onFailure } }), /mine/);
});

test("whenReachable waits for a server and leaves nothing behind", async () => {
	await inFolder(async (folder) => {
		const path = `unix:${folder}/late.sock` as const;
		const waiting = whenReachable(path, { retry: { delayMs: 2 } });
		await using listener = await listen(path);
		await waiting;
		const stream: Stream = await listener.accept();
		assert.equal(await stream.read(), null);
		stream.abort();
		await assert.rejects(whenReachable(`unix:${folder}/never`, { timeoutMs: 30 }), {
			code: "ERR_TIMEOUT",
		});
	});
});
