import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { follow } from "#src/socket/follow.ts";

test("all who follow a signal share one listener, which goes with the last of them", () => {
	const { signal } = new AbortController();
	const ends = Array.from({ length: 100 }, () => follow(signal, () => assert.fail()));
	assert.equal(getEventListeners(signal, "abort").length, 1);
	for (const end of ends) {
		assert.equal(getEventListeners(signal, "abort").length, 1);
		end();
		end();
	}
	assert.equal(getEventListeners(signal, "abort").length, 0);
	follow(signal, () => assert.fail())();
	assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("each follower is told once, also when one of them makes others leave", () => {
	const controller = new AbortController();
	const told: string[] = [];
	const leave = follow(controller.signal, () => told.push("second"));
	const endFirst = follow(controller.signal, () => {
		told.push("first");
		endFirst();
	});
	const endThird = follow(controller.signal, () => told.push("third"));
	leave();
	controller.abort();
	endThird();
	assert.deepEqual(told, ["first", "third"]);
	assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("many connections with a time limit share a signal without a warning, and end with it", async () => {
	const warned: Error[] = [];
	const onWarning = (warning: Error): number => warned.push(warning);
	process.on("warning", onWarning);
	const controller = new AbortController();
	const { signal } = controller;
	const options = { signal, timeoutMs: 60_000 };
	await using listener = await listen("tcp://127.0.0.1:0");
	const opened = await Promise.all(
		Array.from({ length: 50 }, () => connect(listener.address, options)),
	);
	assert.equal(getEventListeners(signal, "abort").length, 0);
	const reason = new Error("enough");
	const resolver = (): Promise<string[]> => new Promise(() => {});
	const waiting = Array.from({ length: 50 }, () =>
		assert.rejects(connect("tcp://name.invalid:1", { ...options, resolver }), (error: Error) => {
			return error.name === "AbortError" && error.cause === reason;
		}),
	);
	controller.abort(reason);
	await Promise.all(waiting);
	await assert.rejects(connect(listener.address, options), { name: "AbortError" });
	for (const each of opened) (each as Stream).abort();
	await new Promise(setImmediate);
	process.off("warning", onWarning);
	assert.deepEqual(warned, []);
	assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("many waits share a signal without a warning, and end with it", async () => {
	const warned: Error[] = [];
	const onWarning = (warning: Error): number => warned.push(warning);
	process.on("warning", onWarning);
	const controller = new AbortController();
	const { signal } = controller;
	const pairs = Array.from({ length: 50 }, () => socketpair());
	const reads = pairs.map(([left]) => left.read({ signal, timeoutMs: 60_000 }));
	assert.equal(getEventListeners(signal, "abort").length, 1);
	await pairs[0]?.[1].write("x");
	assert.equal(String(await reads[0]), "x");
	const rest = reads
		.slice(1)
		.map((each) => assert.rejects(each, { name: "AbortError", cause: "enough" }));
	controller.abort("enough");
	await Promise.all(rest);
	assert.equal(getEventListeners(signal, "abort").length, 0);
	for (const each of pairs.flat()) each.abort();
	await new Promise(setImmediate);
	process.off("warning", onWarning);
	assert.deepEqual(warned, []);
});

test("a follower that throws keeps the abort from nobody, and is told of", async () => {
	const thrown: unknown[] = [];
	const listeners = process.listeners("uncaughtException");
	process.removeAllListeners("uncaughtException");
	process.on("uncaughtException", (error) => thrown.push(error));
	try {
		const controller = new AbortController();
		const mistake = new Error("a mistake");
		const told: string[] = [];
		const ends = [
			follow(controller.signal, () => {
				throw mistake;
			}),
			follow(controller.signal, () => told.push("second")),
		];
		controller.abort();
		assert.deepEqual(told, ["second"]);
		await new Promise(setImmediate);
		assert.deepEqual(thrown, [mistake]);
		for (const end of ends) end();
	} finally {
		process.removeAllListeners("uncaughtException");
		for (const each of listeners) process.on("uncaughtException", each);
	}
});
