/** What a relay makes of connections and sessions that cannot be joined. */
import assert from "node:assert/strict";
import dns from "node:dns";
import { type TestContext, test } from "node:test";
import { type Address, connect, formatAddress, type Listener, listen, type Stream } from "socketry";
import type { Channel } from "#src/cli/exchange/channel.ts";
import { Joiner } from "#src/cli/relay/joiner.ts";
import { type Route, readRequest } from "#src/cli/relay/options.ts";
import { Tally } from "#src/cli/relay/tally.ts";
import { PATIENT } from "../support/patience.ts";

const PEER: Address = { transport: "udp", host: "192.0.2.1", port: 9 };

function joinerOf(...args: string[]): {
	readonly joiner: Joiner;
	readonly tally: Tally;
	readonly said: string[];
	readonly route: Route;
} {
	const request = readRequest(args);
	const [tally, said] = [new Tally(), [] as string[]];
	const joiner = new Joiner(request, tally, (message) => void said.push(message));
	return { joiner, tally, said, route: request.routes[0] as Route };
}

/** A session that nobody reads from, and what was done to it. */
function sessionOf(calls: string[]): Channel {
	return { tellsEnd: false, abort: () => void calls.push("abort") } as unknown as Channel;
}

function hangNames(t: TestContext): void {
	t.mock.method(dns, "lookup", () => {});
}

async function pair(listener: Listener<Stream>): Promise<[near: Stream, far: Stream]> {
	const near = await connect(formatAddress(listener.address) as `tcp:${string}`);
	return [near, await listener.accept()];
}

test("a name of a session that is never found is given up when the time to drain is over", async (t) => {
	hangNames(t);
	const { joiner, tally, said, route } = joinerOf("udp://:1", "udp://hangs.test:9");
	const calls: string[] = [];
	const joined = joiner.joinChannel(sessionOf(calls), PEER, route);
	assert.equal(joiner.underWayCount, 1);
	await new Promise(setImmediate);
	joiner.abort();
	await joined;
	assert.deepEqual([joiner.underWayCount, tally.failedCount, calls], [0, 1, ["abort"]]);
	assert.match(said.join(), /to udp:\/\/hangs\.test:9: .*the time to drain is over$/);
});

test("--connect-timeout holds for the name of a session", async (t) => {
	hangNames(t);
	const args = ["udp://:1", "udp://hangs.test:9", "--connect-timeout", "10ms"];
	const { joiner, tally, said, route } = joinerOf(...args);
	await joiner.joinChannel(sessionOf([]), PEER, route);
	assert.equal(tally.failedCount, 1);
	assert.match(said.join(), /Resolving .*10 ms/);
});

test("who sends no header that is due is counted as refused, and not as failed", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const { joiner, tally, said } = joinerOf("1", "2", "--proxy-protocol-in", "127.0.0.1");
	const [near, accepted] = await pair(listener);
	await near.write("GET / HTTP/1.1\r\n\r\n");
	assert.equal(await joiner.prepare(accepted), undefined);
	const { done, cut, failed, refused } = tally.figures();
	assert.deepEqual({ done, cut, failed, refused }, { done: 0, cut: 0, failed: 0, refused: 1 });
	assert.equal(tally.text(), "0 open, 0 done, 0 cut, 0 failed, 1 refused; 0 B to, 0 B from");
	assert.match(said.join(), /no header of the PROXY protocol/);
	near.abort();
});

test("what was connected for somebody who has gone is not left open", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	await using server = await listen("tcp://127.0.0.1:0");
	const { joiner, tally, route } = joinerOf("1", formatAddress(server.address));
	const [near, accepted] = await pair(listener);
	const { peer: client, address: destination } = accepted;
	// As a signal or a mistake would have it: it is closed before it is joined.
	accepted.abort();
	await joiner.join({ connection: accepted, client, destination }, route);
	const upstream = await server.accept();
	await assert.rejects(upstream.read(PATIENT), { code: "ECONNRESET" });
	assert.deepEqual([tally.failedCount, joiner.underWayCount], [1, 0]);
	near.abort();
	upstream.abort();
});
