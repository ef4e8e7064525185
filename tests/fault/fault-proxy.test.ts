import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { type FaultedConnection, FaultPlan, faultProxy } from "socketry/fault";
import { inFolder } from "../support/folder.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { abstractName } from "../support/pairs.ts";

test("connections go from a Unix socket to TCP, each with its own luck", async () => {
	await inFolder(async (folder) => {
		await using server = await listen("tcp://127.0.0.1:0");
		const echoing = (async () => {
			for await (const stream of server) {
				void (async () => {
					for await (const chunk of stream) await stream.write(chunk);
					await stream.close();
				})().catch(() => stream.abort());
			}
		})();
		const seen: FaultedConnection[] = [];
		const plan = new FaultPlan({
			seed: 4,
			toxics: [{ type: "reset_peer", toxicity: 0.5, attributes: { bytes: 2 } }],
		});
		const from = `unix:${folder}/x.sock` as const;
		const proxy = await faultProxy(from, server.address, plan, {
			onEnd: (each) => seen.push(each),
		});
		const outcomes: string[] = [];
		for (let i = 0; i < 20; i++) {
			const client = (await connect(from)) as Stream;
			await client.write("abcd");
			outcomes.push(await client.readExactly(4).then(String, () => "cut"));
			await client.closeWrite().catch(() => undefined);
			await client.read().catch(() => undefined);
			client.abort();
		}
		await proxy.close();
		const expected = Array.from({ length: 20 }, (_, number) =>
			plan.chosen(number, "downstream").length === 1 ? "cut" : "abcd",
		);
		assert.deepEqual(outcomes, expected);
		assert.ok(new Set(outcomes).size === 2);
		assert.equal(seen.length, 20);
		server.close();
		await echoing;
	});
});

test("without a server the client is told by a reset", async () => {
	// Nobody else listens there.
	const [host] = ownLoopbackHosts();
	const gone = await listen(`tcp://${host}:0`);
	const to = gone.address;
	gone.close();
	const seen: FaultedConnection[] = [];
	const proxy = await faultProxy("tcp://127.0.0.1:0", to, new FaultPlan(), {
		onEnd: (each) => seen.push(each),
	});
	const client = (await connect(proxy.address as typeof to)) as Stream;
	await assert.rejects(client.read(), { code: "ECONNRESET" });
	client.abort();
	await proxy.close();
	assert.equal((seen[0]?.error as { code?: string } | undefined)?.code, "ECONNREFUSED");
});

test("many connections at once cause no warning", async () => {
	const warnings: Error[] = [];
	const note = (warning: Error): number => warnings.push(warning);
	process.on("warning", note);
	await using server = await listen("tcp://127.0.0.1:0");
	const proxy = await faultProxy("tcp://127.0.0.1:0", server.address, new FaultPlan());
	const clients = await Promise.all(
		Array.from({ length: 30 }, () => connect(proxy.address as typeof server.address)),
	);
	const others: Stream[] = [];
	for (const _ of clients) others.push(await server.accept());
	await new Promise(setImmediate);
	process.off("warning", note);
	assert.equal(proxy.connectionsCount, 30);
	for (const each of [...clients, ...others]) each.abort();
	await proxy.close();
	assert.equal(proxy.connectionsCount, 0);
	assert.deepEqual(warnings, []);
});

test("a callback that throws is an uncaught exception, and harms no connection", async () => {
	const thrown: unknown[] = [];
	const listeners = process.listeners("uncaughtException");
	process.removeAllListeners("uncaughtException");
	process.on("uncaughtException", (error) => thrown.push(error.message));
	const fail = (what: string) => (): never => {
		throw new Error(what);
	};
	const toxics = [{ type: "loss", stream: "upstream", attributes: { probability: 1 } }] as const;
	const plan = new FaultPlan({ kind: "packets", toxics, onFault: fail("onFault") });
	const to = `unix-seqpacket:${abstractName()}` as const;
	await using server = await listen(to);
	const from = `unix-seqpacket:${abstractName()}` as const;
	const proxy = await faultProxy(from, to, plan, { onEnd: fail("onEnd") });
	const client = await connect(from);
	const other = await server.accept();
	await client.send("lost");
	await other.send("arrives");
	assert.equal(String(await client.receive()), "arrives");
	client.abort();
	other.abort();
	await proxy.close();
	await new Promise(setImmediate);
	process.removeAllListeners("uncaughtException");
	for (const each of listeners) process.on("uncaughtException", each);
	assert.deepEqual(thrown, ["onFault", "onEnd"]);
});

test("a server of another kind than the plan is let go of", async () => {
	const [far, near] = socketpair("seqpacket");
	const plan = new FaultPlan({ seed: 1 });
	let tell: (each: FaultedConnection) => void = () => {};
	const ended = new Promise<FaultedConnection>((resolve) => {
		tell = resolve;
	});
	const server = { transport: "fd", fd: near.detach().detachFd() } as const;
	const proxy = await faultProxy("tcp://127.0.0.1:0", server, plan, { onEnd: tell });
	const client = (await connect(proxy.address)) as Stream;
	assert.match(String((await ended).error?.message), /kind/);
	assert.equal(await far.receive(), null);
	client.abort();
	far.abort();
	await proxy.close();
});

test("nobody connects for datagrams: whom to let in makes no sense there", async () => {
	const plan = new FaultPlan({ kind: "datagrams" });
	const [from, to] = [`unix-dgram:${abstractName()}`, `unix-dgram:${abstractName()}`];
	await assert.rejects(faultProxy(from, to, plan, { allow: () => true }), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"allow"|allow/,
	});
});
