/** Policies of one's own, and what they cannot break. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import {
	anyone,
	type Listener,
	type ListenOptions,
	listen,
	type PeerCredentials,
	type RefusedPeer,
	type Stream,
} from "socketry";
import { injectFaults } from "socketry/testing";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { connectTo, hear, withServer } from "./hello.ts";

const me = process.geteuid?.() ?? -1;

describe("a policy of one's own", () => {
	test("is asked once for each connection, before a byte is read", async () => {
		const peers: PeerCredentials[] = [];
		await withServer(
			`unix:${abstractName()}`,
			{ allow: (peer) => peers.push(peer) > 0 },
			async (listener) => {
				for (let i = 0; i < 5; i++) await hear(listener);
			},
		);
		assert.equal(peers.length, 5);
		assert.ok(peers.every(({ pid, uid }) => pid === process.pid && uid === me));
	});

	test("refuses by throwing, and the error is told", async () => {
		const refusals: RefusedPeer[] = [];
		const failure = new Error("no idea");
		const options: ListenOptions = {
			allow: () => {
				throw failure;
			},
			onRefused: (refused) => refusals.push(refused),
		};
		await withServer(`unix:${abstractName()}`, options, async (listener) => {
			assert.equal(await hear(listener), null);
			assert.equal(listener.refusedPeersCount, 1);
		});
		assert.equal(refusals[0]?.error, failure);
		assert.equal(refusals[0]?.peer?.pid, process.pid);
	});

	for (const answer of [undefined, 1, "yes", Promise.resolve(true)]) {
		test(`lets nobody in by answering ${String(answer)}`, async () => {
			const refusals: RefusedPeer[] = [];
			const options: ListenOptions = {
				allow: () => answer as never,
				onRefused: (refused) => refusals.push(refused),
			};
			await withServer(`unix:${abstractName()}`, options, async (listener) => {
				assert.equal(await hear(listener), null);
			});
			assert.equal(codeOf(refusals[0]), "ERR_INVALID_ARG_TYPE");
		});
	}

	test("whose error nobody asked for becomes a warning, once", async () => {
		const warnings: (Error & { code?: string })[] = [];
		const note = (warning: Error): void => void warnings.push(warning);
		process.on("warning", note);
		const options: ListenOptions = {
			allow: () => {
				throw new Error("no idea");
			},
		};
		await withServer(`unix:${abstractName()}`, options, async (listener) => {
			for (let i = 0; i < 3; i++) assert.equal(await hear(listener), null);
		});
		await new Promise((resolve) => setImmediate(resolve));
		process.off("warning", note);
		assert.equal(warnings.length, 1);
		assert.equal(warnings[0]?.code, "SOCKETRY_POLICY");
		assert.match(warnings[0]?.message ?? "", /no idea/);
	});

	test("finds the async context in which it was given, and so does onRefused", async () => {
		const context = new AsyncLocalStorage<string>();
		const found: unknown[] = [];
		const options: ListenOptions = {
			allow: () => found.push(context.getStore()) < 0,
			onRefused: () => found.push(context.getStore()),
		};
		const listener = await context.run("here", () => listen(`unix:${abstractName()}`, options));
		const accepting = listener.accept().catch(() => undefined);
		assert.equal(await hear(listener), null);
		listener.close();
		await accepting;
		assert.deepEqual(found, ["here", "here"]);
	});

	test("may close its listener, whatever it answers", async () => {
		for (const answer of [true, false]) {
			const listener: Listener<Stream> = await listen(`unix:${abstractName()}`, {
				allow: () => {
					listener.close();
					return answer;
				},
			});
			const client = await connectTo(listener);
			await assert.rejects(listener.accept(), { code: "ERR_CLOSED" });
			assert.equal(await client.read(), null);
			await client.close();
		}
	});

	test("may close its listener while an accept waits", async () => {
		const listener: Listener<Stream> = await listen(`unix:${abstractName()}`, {
			allow: () => {
				listener.close();
				return true;
			},
		});
		const accepting = listener.accept();
		const client = await connectTo(listener);
		await assert.rejects(accepting, { code: "ERR_CLOSED" });
		assert.equal(await client.read(), null);
		await client.close();
	});

	test("what onRefused throws reaches who accepts, and the listener goes on", async () => {
		let asked = 0;
		const listener = await listen(`unix:${abstractName()}`, {
			allow: () => ++asked > 1,
			onRefused: () => {
				throw new Error("not my day");
			},
		});
		const refused = await connectTo(listener);
		await assert.rejects(listener.accept(), /not my day/);
		assert.equal(await refused.read(), null);
		await refused.close();
		const [client, server] = await Promise.all([connectTo(listener), listener.accept()]);
		await Promise.all([client.close(), server.close()]);
		listener.close();
	});

	test("does not let in whom the kernel does not name", async () => {
		const refusals: RefusedPeer[] = [];
		const listener = await listen(`unix:${abstractName()}`, {
			allow: anyone(),
			onRefused: (refused) => refusals.push(refused),
		});
		const client = await connectTo(listener);
		const faults = injectFaults([{ call: "getsockopt", fail: "ENOMEM" }]);
		const accepting = listener.accept();
		assert.equal(await client.read(), null);
		faults[Symbol.dispose]();
		assert.equal(refusals[0]?.peer, undefined);
		assert.equal(codeOf(refusals[0]), "ENOMEM");
		listener.close();
		await assert.rejects(accepting, { code: "ERR_CLOSED" });
		await client.close();
	});
});

test("a listener without a policy asks the kernel nothing about its peers", async () => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${folder}/s`);
		const faults = injectFaults([{ call: "getsockopt", fail: "EIO", nth: 1_000 }]);
		const [client, server] = await Promise.all([connectTo(listener), listener.accept()]);
		assert.equal(faults.calls.get("getsockopt"), 0);
		faults.restore();
		assert.equal(listener.refusedPeersCount, 0);
		await Promise.all([client.close(), server.close()]);
		listener.close();
	});
});

function codeOf(refused: RefusedPeer | undefined): unknown {
	return (refused?.error as { code?: string } | undefined)?.code;
}
