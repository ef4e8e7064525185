import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
	type CachedResolver,
	cachedResolver,
	connect,
	datagrams,
	type Listener,
	listen,
	lookup,
	type Stream,
} from "socketry";
import { fetchDispatcher } from "socketry/node";
import { type Input, PROGRAM, start, type Talked, type Talking } from "../cli/talk.ts";
import type { Child } from "../support/children.ts";
import { startDnsmasq } from "../support/dnsmasq.ts";
import { freePort, lacking, stop } from "../support/programs.ts";

const SERVICE = "tcp+srv://_echo._tcp.example.test";

describe("services that dnsmasq tells of", { skip: lacking("dnsmasq") }, () => {
	let server: Child;
	let nameserver: string;
	let listener: Listener<Stream>;
	let port: number;
	let closed: number;
	let echoing: Promise<void>;
	let resolver: CachedResolver;

	before(async () => {
		// At ::1 nobody else is to have the port.
		port = await freePort();
		listener = await listen(`tcp://127.0.0.1:${port}`);
		closed = await freePort();
		echoing = (async () => {
			for await (const stream of listener) void echo(stream);
		})();
		({ child: server, address: nameserver } = await startDnsmasq([
			`srv-host=_echo._tcp.example.test,here.example.test,${port},10,1`,
			"srv-host=_echo._tcp.example.test,spare.example.test,9,20,1",
			`srv-host=_limping._tcp.example.test,here.example.test,${closed},1,1`,
			"srv-host=_limping._tcp.example.test,nowhere.example.test,9,2,1",
			`srv-host=_limping._tcp.example.test,here.example.test,${port},3,1`,
			`srv-host=_down._tcp.example.test,here.example.test,${closed},1,1`,
			"srv-host=_down._tcp.example.test,nowhere.example.test,9,2,1",
			`srv-host=_here._tcp.example.test,localhost,${port},0,1`,
			"srv-host=_none._tcp.example.test",
			// The first one is where nobody listens, with a life of 77 s.
			"host-record=here.example.test,127.0.0.1,::1,77",
			"host-record=spare.example.test,192.0.2.1",
		]));
		resolver = cachedResolver({ source: "dns", nameservers: [nameserver] });
	});

	after(async () => {
		listener.close();
		await echoing;
		await stop(server);
	});

	test("connect finds the server of the best priority, by either family", async () => {
		await using stream = await connect(SERVICE, { resolver });
		assert.deepEqual(stream.peer, { transport: "tcp", host: "127.0.0.1", port });
		await stream.write("hello");
		assert.equal(String(await stream.readExactly(5)), "hello");
	});

	test("a server that refuses and one without an address give way to the next", async () => {
		await using stream = await connect("tcp+srv://_Limping._TCP.example.test.", { resolver });
		assert.equal(stream.peer.port, port);
	});

	test("all that failed is told, server by server", async () => {
		await assert.rejects(connect("tcp+srv://_down._tcp.example.test", { resolver }), {
			name: "AggregateError",
			code: "ECONNREFUSED",
			message: new RegExp(
				`^all 2 servers of _down._tcp.example.test failed: here.example.test:${closed}: .*ECONNREFUSED.*; ` +
					"nowhere.example.test:9: getaddrinfo ENOTFOUND nowhere.example.test",
			),
		});
	});

	test("a service that is not there, a name without a service and a denied one fail at once", async () => {
		const retry = { onFailure: () => assert.fail("tried again") };
		for (const name of ["_missing._tcp.example.test", "_a._tcp.here.example.test"]) {
			await assert.rejects(connect(`tcp+srv://${name}`, { resolver, retry }), {
				code: "ENOTFOUND",
				message: new RegExp(`^querySrv ENOTFOUND ${name}: no such service`),
			});
		}
		await assert.rejects(connect("tcp+srv://_none._tcp.example.test", { resolver, retry }), {
			code: "ENOTFOUND",
			message: /its domain says that there is no such service/,
		});
	});

	test("a name server that does not answer may do so later, and is not waited for when time is up", async () => {
		const silent = await startSilent();
		const mute = cachedResolver({ source: "dns", nameservers: [silent.address] });
		await assert.rejects(connect(SERVICE, { resolver: mute, timeoutMs: 30 }), {
			code: "ERR_TIMEOUT",
		});
		silent.close();
		const refusing = cachedResolver({ source: "dns", nameservers: [`127.0.0.1:${closed}`] });
		const retry = { attempts: 2, delayMs: 1 };
		await assert.rejects(connect(SERVICE, { resolver: refusing, retry }), { code: "EAI_AGAIN" });
		await assert.rejects(lookup("tcp://here.example.test:1", { resolver: refusing }), {
			code: "EAI_AGAIN",
		});
	});

	test("lookup has the addresses of all servers, and a cached resolver remembers hosts as long as they live", async () => {
		const found = await lookup(SERVICE, { resolver, family: "inet" });
		assert.deepEqual(found, [
			{ transport: "tcp", host: "127.0.0.1", port },
			{ transport: "tcp", host: "192.0.2.1", port: 9 },
		]);
		const first = await resolver("here.example.test", {});
		assert.equal(await resolver("here.example.test", {}), first, "77 s");
		const spare = await resolver("spare.example.test", {});
		assert.notEqual(await resolver("spare.example.test", {}), spare, "0 s");
	});

	test("HTTP goes to a service as to any address", async () => {
		const dispatcher = fetchDispatcher("tcp+srv://_here._tcp.example.test", { resolver });
		const answer = await fetch("http://example.test/", { dispatcher } as RequestInit);
		assert.equal(await answer.text(), "ok");
		await dispatcher.destroy();
	});

	// With the system's resolver, whose name servers are set from outside.
	function startOurs(words: readonly string[], input: Input = "none"): Talking {
		const settings = `import { setServers } from "node:dns"; setServers(["${nameserver}"]);`;
		const [node = "", main = ""] = PROGRAM;
		const preloaded = ["--import", `data:text/javascript,${encodeURIComponent(settings)}`];
		return start([node, ...preloaded, main, ...words], input);
	}

	function ours(words: readonly string[], input?: Input): Promise<Talked> {
		return startOurs(words, input).ended;
	}

	test("the command line connects to them, waits for them, pings and explains them", async () => {
		const here = "tcp+srv://_here._tcp.example.test";
		const talked = await ours(["connect", here], "hello\n");
		assert.deepEqual([talked.code, talked.stdout.toString()], [0, "hello\n"], talked.stderr);
		assert.equal((await ours(["wait", here, "--timeout", "100s"])).code, 0);
		const ping = await ours(["ping", here, "--count", "2", "--interval", "0", "--echo"]);
		assert.match(ping.stdout.toString(), /^tcp\+srv:.*: 2 sent, 2 answered/m, ping.stderr);

		const explained = (await ours(["explain", here, SERVICE])).stdout.toString();
		assert.match(explained, / {2}connect +tcp\+srv:\/\/_here\._tcp\.example\.test\n/);
		assert.match(explained, / {2}listen +no: its servers do\n/);
		assert.match(explained, / {2}carries +bytes both ways/);
		assert.match(explained, new RegExp(`server +localhost:${port}, priority 0, weight 1: tcp:`));
		assert.match(explained, /server +here\.example\.test:\d+, priority 10, weight 1: not: getaddr/);
		const none = await ours(["explain", "tcp+srv://_none._tcp.example.test"]);
		assert.match(none.stdout.toString(), /resolves +not: .*says that there is no such service/);
	});

	test("the command line relays to them, does not listen there, and says what is wrong with a name", async () => {
		const here = "tcp+srv://_here._tcp.example.test";
		const relaying = startOurs(["relay", "0", here, "--once"]);
		const [near = ""] = await relaying.said(/tcp:\/\/127\.0\.0\.1:\d+/);
		const talked = await ours(["connect", near], "through\n");
		assert.deepEqual([talked.code, talked.stdout.toString()], [0, "through\n"], talked.stderr);
		assert.equal((await relaying.ended).code, 0);
		const listening = await ours(["listen", here]);
		assert.equal(listening.code, 2);
		assert.match(listening.stderr, /listen on an address of this machine/);
		const wrong = await ours(["connect", "tcp+srv://example.test:80"]);
		assert.equal(wrong.code, 2);
		assert.match(wrong.stderr, /leave ":PORT" out/);
	});
});

async function echo(stream: Stream): Promise<void> {
	try {
		for await (const chunk of stream) {
			const isRequest = String(chunk).startsWith("GET ");
			await stream.write(isRequest ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" : chunk);
		}
		await stream.close();
	} catch {
		stream.abort();
	}
}

/** Takes questions and says nothing. */
async function startSilent(): Promise<{ readonly address: string; close(): void }> {
	const socket = await datagrams("udp://127.0.0.1:0");
	const { port } = socket.address;
	return { address: `127.0.0.1:${port}`, close: () => void socket.close() };
}
