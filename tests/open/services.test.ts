import assert from "node:assert/strict";
import { test } from "node:test";
import {
	connect,
	datagrams,
	LIMITS,
	type Listener,
	listen,
	lookup,
	type Resolver,
	type ServiceRecord,
	type Stream,
	whenReachable,
} from "socketry";
import { connectThrough } from "socketry/proxy";
import { type Recorded, record } from "../observability/recording.ts";
import { refusingTcpPort } from "../support/own-addresses.ts";

const SERVICE = "tcp+srv://_echo._tcp.example.test";

function served(name: string, port: number, priority = 0, weight = 0): ServiceRecord {
	return { name, port, priority, weight };
}

/** A resolver that knows these servers, and these hosts. */
function knowing(
	servers: readonly ServiceRecord[],
	hosts: Readonly<Record<string, string[] | "silent">>,
): Resolver & { readonly asked: string[] } {
	const asked: string[] = [];
	const resolver = async (name: string): Promise<string[]> => {
		asked.push(name);
		const found = hosts[name];
		if (found === "silent") return await new Promise(() => {});
		return found ?? [];
	};
	const services = async (name: string): Promise<readonly ServiceRecord[]> => {
		asked.push(name);
		return servers;
	};
	return Object.assign(resolver, { asked, services });
}

const portOf = ({ address }: Listener<Stream>): number => (address as { port: number }).port;

test("the server of the best priority is connected to, and no other is looked for", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const port = portOf(listener);
	const servers = [served("second.test", port, 20), served("first.test", port, 10)];
	const resolver = knowing(servers, { "first.test": ["127.0.0.1"], "second.test": ["127.0.0.2"] });
	await using stream = await connect(SERVICE, { resolver });
	await using peer = await listener.accept();
	assert.deepEqual(stream.peer, { transport: "tcp", host: "127.0.0.1", port });
	assert.deepEqual(resolver.asked, ["_echo._tcp.example.test", "first.test"]);
	await stream.write("hello");
	assert.equal(String(await peer.read()), "hello");
});

test("who observes is told of the service, and finds the server", async (t) => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const connected = record(t, ["socketry:connected"]);
	const resolver = knowing([served("a.test", portOf(listener))], { "a.test": ["127.0.0.1"] });
	await using stream = await connect(SERVICE, { resolver });
	const [event] = connected as (Recorded & { event: "connected" })[];
	assert.deepEqual(event?.address, { transport: "tcp+srv", service: "_echo._tcp.example.test" });
	assert.equal(event?.source, stream);
});

test("a server that refuses, one without an address and one that is silent give way to the next", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	using refusing = refusingTcpPort();
	const servers = [
		served("refusing.test", refusing.port, 1),
		served("nowhere.test", 1, 2),
		served("silent.test", 1, 3),
		served("here.test", portOf(listener), 4),
	];
	const resolver = knowing(servers, {
		"refusing.test": ["127.0.0.1", "::1"],
		"silent.test": "silent",
		"here.test": ["127.0.0.1"],
	});
	await using stream = await connect(SERVICE, { resolver, attemptDelayMs: 10 });
	assert.equal(stream.peer.port, portOf(listener));
	const hosts = servers.map(({ name }) => name);
	assert.deepEqual(resolver.asked, ["_echo._tcp.example.test", ...hosts]);
});

test("servers of one priority are tried an attempt's delay apart, those of the next after eight", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const servers = [served("a.test", 1, 1), served("b.test", 1, 1), served("c.test", 1, 2)];
	const silent = { "a.test": "silent", "b.test": "silent", "c.test": "silent" } as const;
	const resolver = knowing(servers, silent);
	const leaving = new AbortController();
	const connecting = connect(SERVICE, { resolver, signal: leaving.signal });
	const askedAfter = async (ms: number): Promise<number> => {
		t.mock.timers.tick(ms);
		await new Promise(setImmediate);
		return resolver.asked.length - 1;
	};
	assert.equal(await askedAfter(0), 1);
	assert.equal(await askedAfter(249), 1);
	assert.equal(await askedAfter(1), 2);
	assert.equal(await askedAfter(1_749), 2, "a lost packet is sent again after a second");
	assert.equal(await askedAfter(1), 3);
	leaving.abort(new Error("enough"));
	await assert.rejects(connecting, { code: "ABORT_ERR" });
});

test("when all servers fail, the error says which and how, and has the first one's code", async () => {
	using refusing = refusingTcpPort();
	const { port } = refusing;
	const servers = [served("a.test", port, 1), served("b.test", 9, 2), served("-.-", 9, 3)];
	const resolver = knowing(servers, { "a.test": ["127.0.0.1", "127.0.0.2"] });
	await assert.rejects(connect(SERVICE, { resolver }), (error: unknown) => {
		assert.ok(error instanceof AggregateError);
		assert.equal((error as { code?: string }).code, "ECONNREFUSED");
		assert.match(error.message, /^all 3 servers of _echo\._tcp\.example\.test failed: /);
		assert.match(error.message, new RegExp(`a\\.test:${port}: all 2 addresses failed`));
		assert.match(error.message, /b\.test:9: getaddrinfo ENOTFOUND b\.test/);
		assert.equal(error.errors.length, 3);
		return true;
	});
	const only = knowing([served("a.test", port)], { "a.test": ["127.0.0.1"] });
	await assert.rejects(connect(SERVICE, { resolver: only }), {
		code: "ECONNREFUSED",
		message: new RegExp(`^the server of _echo._tcp.example.test failed: a.test:${port}: connect `),
	});
});

test("however many servers or addresses fail, the message stays short and the list has them all", async () => {
	const servers = Array.from({ length: 200 }, (_, i) => served(`s${i}.test`, 9, i));
	await assert.rejects(connect(SERVICE, { resolver: knowing(servers, {}) }), (error: unknown) => {
		assert.ok(error instanceof AggregateError);
		assert.equal(error.errors.length, 200);
		assert.match(error.message, /^all 200 servers of .*; and 184 more$/);
		return true;
	});
	using refusing = refusingTcpPort();
	const { port } = refusing;
	const hosts = Array.from({ length: 20 }, (_, i) => `127.0.0.${i + 1}`);
	const resolver = knowing([served("a.test", port)], { "a.test": hosts });
	await assert.rejects(connect(`tcp://a.test:${port}`, { resolver }), (error: unknown) => {
		assert.ok(error instanceof AggregateError);
		assert.equal(error.errors.length, 20);
		assert.match(error.message, /^all 20 addresses failed: .*; and 4 more$/);
		return true;
	});
});

test("an attempt that failed is told of once, with the service", async (t) => {
	const recorded = record(t, ["socketry:error"]);
	const resolver = knowing([served("a.test", 1), served("b.test", 2)], {});
	await assert.rejects(connect(SERVICE, { resolver }));
	assert.equal(recorded.length, 1, "once, and not for each server");
	const { kind, transport, address, error, source } = recorded[0] as Recorded & {
		event: "error";
		operation: "connect";
	};
	assert.deepEqual([kind, transport, source], ["stream", "tcp", undefined]);
	assert.deepEqual(address, { transport: "tcp+srv", service: "_echo._tcp.example.test" });
	assert.match(error.message, /^all 2 servers of /);
});

test("a record that names no host is a server that failed, and no mistake of the caller's", async () => {
	const servers = ["a b", "*", "x".repeat(64)].map((name, i) => served(name, 9, i));
	await assert.rejects(connect(SERVICE, { resolver: knowing(servers, {}) }), {
		code: "EBADRESP",
		message:
			/^all 3 servers of .* failed: a b:9: querySrv EBADRESP a b: the record names no host; /,
	});
});

test("a service that its domain denies, or that has no records, is told of at once", async () => {
	const retry = { onFailure: () => assert.fail("tried again") };
	for (const name of [".", ""]) {
		const resolver = knowing([served(name, 0)], {});
		await assert.rejects(connect(SERVICE, { resolver, retry }), {
			code: "ENOTFOUND",
			syscall: "querySrv",
			message: /says that there is no such service/,
		});
	}
	await assert.rejects(connect(SERVICE, { resolver: knowing([], {}), retry }), {
		code: "ENOTFOUND",
		message: /no such service; check its spelling/,
	});
});

test("attempts are repeated with the records of the moment", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	using refusing = refusingTcpPort();
	const [wrong, right] = [refusing.port, portOf(listener)];
	let questions = 0;
	const resolver = Object.assign(async () => ["127.0.0.1"], {
		services: async () => [served("a.test", questions++ < 2 ? wrong : right)],
	});
	await whenReachable(SERVICE, { resolver, retry: { delayMs: 1 } });
	assert.equal(questions, 3);
});

test("a time limit and a signal end the question, the names and the attempts", async () => {
	const never = Object.assign(async () => [], {
		services: () => new Promise<never>(() => {}),
	});
	const silent = knowing([served("a.test", 1)], { "a.test": "silent" });
	for (const resolver of [never, silent]) {
		await assert.rejects(connect(SERVICE, { resolver, timeoutMs: 10 }), {
			code: "ERR_TIMEOUT",
			message: /^Connecting/,
		});
		await assert.rejects(lookup(SERVICE, { resolver, timeoutMs: 10 }), { code: "ERR_TIMEOUT" });
		const leaving = new AbortController();
		setImmediate(() => leaving.abort());
		await assert.rejects(connect(SERVICE, { resolver, signal: leaving.signal }), {
			code: "ABORT_ERR",
		});
	}
});

test("lookup gives the addresses of the servers, in their order", async () => {
	const servers = [served("b.test", 2, 2), served("none.test", 3, 1), served("a.test", 1, 1, 5)];
	const resolver = knowing(servers, {
		"a.test": ["192.0.2.1", "2001:db8::1"],
		"b.test": ["192.0.2.2"],
	});
	assert.deepEqual(await lookup(SERVICE, { resolver, order: "inet6-first" }), [
		{ transport: "tcp", host: "2001:db8::1", port: 1 },
		{ transport: "tcp", host: "192.0.2.1", port: 1 },
		{ transport: "tcp", host: "192.0.2.2", port: 2 },
	]);
	assert.equal((await lookup(SERVICE, { resolver, family: "inet6" })).length, 1);
	await assert.rejects(lookup(SERVICE, { resolver: knowing(servers, {}) }), { code: "ENOTFOUND" });
});

test("of thousands of servers the best are looked up, two at a time", async () => {
	const servers = Array.from({ length: 2_000 }, (_, i) => served(`s${i}.test`, 9, 2_000 - i));
	let [asking, most] = [0, 0];
	const hosts = async (): Promise<string[]> => {
		most = Math.max(most, ++asking);
		await new Promise(setImmediate);
		asking--;
		return ["192.0.2.1"];
	};
	const asked: string[] = [];
	const resolver = Object.assign(
		(name: string) => {
			asked.push(name);
			return hosts();
		},
		{ services: async () => servers },
	);
	const found = await lookup(SERVICE, { resolver });
	const { serviceServersCount, lookupsAtOnceCount } = LIMITS;
	assert.equal(found.length, serviceServersCount);
	assert.equal(most, lookupsAtOnceCount);
	const best = Array.from({ length: serviceServersCount }, (_, i) => `s${1_999 - i}.test`);
	assert.deepEqual(asked, best);
});

test("a lookup that is given up looks for no other server", async () => {
	const servers = Array.from({ length: 20 }, (_, i) => served(`s${i}.test`, 9, i));
	const silent = Object.fromEntries(servers.map(({ name }) => [name, "silent" as const]));
	const resolver = knowing(servers, silent);
	const leaving = new AbortController();
	setImmediate(() => leaving.abort());
	await assert.rejects(lookup(SERVICE, { resolver, signal: leaving.signal }), {
		code: "ABORT_ERR",
	});
	assert.equal(resolver.asked.length, 1 + LIMITS.lookupsAtOnceCount);
});

test("lookup leaves out a record that names no host, and forgets no failure for it", async () => {
	const servers = [served("none.test", 1, 1), served("a b", 2, 2), served("a.test", 3, 3)];
	const unhandled: unknown[] = [];
	const note = (error: unknown): void => void unhandled.push(error);
	process.on("unhandledRejection", note);
	try {
		const found = await lookup(SERVICE, {
			resolver: knowing(servers, { "a.test": ["192.0.2.1"] }),
		});
		assert.deepEqual(found, [{ transport: "tcp", host: "192.0.2.1", port: 3 }]);
		await new Promise((resolve) => setImmediate(resolve));
		assert.deepEqual(unhandled, []);
	} finally {
		process.off("unhandledRejection", note);
	}
});

test("what a resolver finds is checked", async () => {
	const wrong = [undefined, [1], [{ name: "a.test" }], [served("a.test", 65_536)]];
	for (const found of wrong) {
		const services = async (): Promise<ServiceRecord[]> => found as ServiceRecord[];
		const resolver = Object.assign(async () => [], { services });
		await assert.rejects(connect(SERVICE, { resolver }), { code: /^ERR_(INVALID|OUT)/ });
	}
	const resolver = Object.assign(async () => [], { services: 1 }) as unknown as Resolver;
	await assert.rejects(connect(SERVICE, { resolver }), { code: "ERR_INVALID_ARG_TYPE" });
});

test("nobody listens at a service, sends datagrams to it or asks a proxy for it", async () => {
	await assert.rejects(listen(SERVICE), {
		code: "ERR_INVALID_ADDRESS",
		message: /a service is served where its records say; listen on an address of this machine/,
	});
	await assert.rejects(datagrams(SERVICE), {
		code: "ERR_INVALID_ADDRESS",
		message: /no datagrams/,
	});
	await assert.rejects(connectThrough("socks5://127.0.0.1:1", SERVICE), {
		code: "ERR_INVALID_ADDRESS",
		message: /a proxy connects to tcp:/,
	});
	const localAddress = "unix:/tmp/x";
	await assert.rejects(connect(SERVICE, { localAddress }), {
		code: "ERR_INVALID_ADDRESS",
		message: /must be of transport tcp/,
	});
});
