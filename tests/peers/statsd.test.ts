import assert from "node:assert/strict";
import { test } from "node:test";
import { StatsD } from "hot-shots";
import { datagrams } from "socketry";
import { startChild } from "../support/children.ts";
import { PATIENT } from "../support/patience.ts";
import { example, lineLike, stop } from "../support/programs.ts";

// Four datagrams each: fewer than a receive buffer holds, so that a receiver without processor time loses none.
const COUNT = 100;

for (const maxBufferSize of [0, 1_400]) {
	test(`all metrics that hot-shots sends arrive, ${maxBufferSize === 0 ? "one" : "many"} per datagram`, async () => {
		const receiver = startChild(example("statsd/receive.ts"), { args: ["udp://127.0.0.1:0"] });
		const [, port] = await lineLike(receiver, /:(\d+)$/);
		const client = new StatsD({
			host: "127.0.0.1",
			port: Number(port),
			prefix: "test.",
			globalTags: ["from:hot-shots"],
			maxBufferSize,
		});
		let expectedTiming = 0;
		for (let i = 0; i < COUNT; i++) {
			expectedTiming += i % 100;
			await new Promise<void>((resolve) => {
				// The callback of the last comes when the datagram was sent, or taken into the buffer.
				client.increment("requests", 2, ["a:b"]);
				client.timing("elapsed", i % 100);
				client.gauge("level", i);
				client.set("users", `user-${i % 50}`, () => resolve());
			});
		}
		await new Promise((resolve) => client.close(resolve));
		// The kernel may let the last ones wait: what is sent after them comes after them.
		await using probe = await datagrams("udp://127.0.0.1:0");
		await probe.send("", probe.address);
		await probe.receive(PATIENT);
		const [, json = ""] = (await stop(receiver)).split("\n");
		assert.deepEqual(JSON.parse(json), {
			metrics: {
				"test.requests": { type: "c", count: COUNT, value: COUNT * 2 },
				"test.elapsed": { type: "ms", count: COUNT, value: expectedTiming },
				"test.level": { type: "g", count: COUNT, value: COUNT - 1 },
				"test.users": { type: "s", count: COUNT, value: 0, members: 50 },
			},
			malformed: 0,
			missed: 0,
		});
	});
}
