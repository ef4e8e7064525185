import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { connect, listen, socketpair } from "socketry";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { listenTo, record } from "./recording.ts";

const storage = new AsyncLocalStorage<string>();

test("events of a call come in its context", async (t) => {
	const seen: string[] = [];
	for (const event of ["opened", "connected", "accepted", "closed", "error"] as const) {
		listenTo(t, `socketry:${event}`, ({ kind }) => {
			seen.push(`${event} ${kind} in ${storage.getStore()}`);
		});
	}
	const listener = await storage.run("listen", () => listen("tcp://127.0.0.1:0"));
	const address = listener.address;
	const accepting = storage.run("accept", () => listener.accept());
	const client = await storage.run("connect", () => connect(address));
	const server = await accepting;
	const closing = storage.run("close", () => client.close());
	await Promise.all([closing, storage.run("close of the server", () => server.close())]);
	storage.run("end", () => listener.close());
	using refusing = refusingTcpPort();
	const nobody = `tcp://127.0.0.1:${refusing.port}` as const;
	await storage.run("retry", () => assert.rejects(connect(nobody), { code: "ECONNREFUSED" }));
	assert.deepEqual(seen.toSorted(), [
		"accepted stream in accept",
		"closed listener in end",
		"closed stream in close",
		"closed stream in close of the server",
		"connected stream in connect",
		"error stream in retry",
		"opened listener in listen",
		"opened stream in accept",
		"opened stream in connect",
	]);
});

test("what the kernel tells later comes in the context that opened the object", async (t) => {
	const recorded = record(t, ["socketry:dropped"]);
	const seen: (string | undefined)[] = [];
	const note = (): void => {
		seen.push(storage.getStore());
	};
	listenTo(t, "socketry:dropped", note);
	listenTo(t, "socketry:error", note);
	const [left, right] = storage.run("opening", () => socketpair());
	const reading = storage.run("reading", () => right.read());
	await storage.run("writing", () => left.write("x", { descriptors: [0] }));
	await reading;
	assert.equal(recorded.length, 1);
	await left.close();
	await storage.run("answering", async () => {
		await right.write("x");
		await assert.rejects(right.flush(), { code: "EPIPE" });
	});
	right.abort();
	assert.deepEqual(seen, ["opening", "opening"]);
});
