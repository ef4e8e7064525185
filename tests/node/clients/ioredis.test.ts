/** The unmodified `ioredis` over streams of ours, against a Redis server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket as NetSocket } from "node:net";
import { test } from "node:test";
import { AbstractConnector, Redis, type RedisOptions } from "ioredis";
import { connectDuplex } from "socketry/node";
import { LACKING_REDIS, withRedis } from "../../support/redis.ts";

/** What `ioredis` takes as its option `Connector`. */
function connectorTo(address: string): NonNullable<RedisOptions["Connector"]> {
	return class extends AbstractConnector {
		constructor() {
			super(2_000);
		}

		override async connect(): Promise<NetSocket> {
			const duplex = connectDuplex(address);
			this.stream = duplex as unknown as NetSocket;
			return this.stream;
		}
	};
}

test("ioredis", { skip: LACKING_REDIS }, async (t) => {
	await withRedis(async ({ port, path }) => {
		for (const [name, address] of [
			["TCP", `tcp://127.0.0.1:${port}`],
			["a Unix socket", `unix:${path}`],
		] as const) {
			const open = (): Redis => new Redis({ Connector: connectorTo(address) });

			await t.test(`commands, pipelines, large values and errors over ${name}`, async () => {
				const redis = open();
				assert.equal(await redis.set("key", "value"), "OK");
				assert.equal(await redis.get("key"), "value");
				const large = Buffer.alloc(5_000_000, "large");
				await redis.set("large", large);
				assert.ok((await redis.getBuffer("large"))?.equals(large));
				const pipeline = redis.pipeline();
				for (let i = 0; i < 2_000; i++) pipeline.incr("counter");
				const results = await pipeline.exec();
				assert.equal(results?.at(-1)?.[1], 2_000);
				const many = Array.from({ length: 1_000 }, (_, i) => redis.echo(String(i)));
				assert.deepEqual(
					await Promise.all(many),
					Array.from({ length: 1_000 }, (_, i) => String(i)),
				);
				await assert.rejects(redis.call("NONSENSE"), /unknown command/);
				await redis.flushall();
				await redis.quit();
				if (redis.status !== "end") await once(redis, "end");
			});

			await t.test(`published messages arrive over ${name}`, async () => {
				const [subscriber, publisher] = [open(), open()];
				await subscriber.subscribe("news");
				const message = once(subscriber, "message");
				await publisher.publish("news", "hello");
				assert.deepEqual(await message, ["news", "hello"]);
				subscriber.disconnect();
				publisher.disconnect();
				await Promise.all([once(subscriber, "end"), once(publisher, "end")]);
			});

			await t.test(`a connection that the server kills is made again over ${name}`, async () => {
				const redis = open();
				const id = await redis.client("ID");
				const other = open();
				const again = once(redis, "ready");
				await other.client("KILL", "ID", id);
				await again;
				assert.equal(await redis.ping(), "PONG");
				redis.disconnect();
				other.disconnect();
				await Promise.all([once(redis, "end"), once(other, "end")]);
			});
		}
	});
});
