/**
 * Measures what a question to a database on the same host takes, over TCP and over its Unix socket, on streams of this library and on sockets of
 * Node's: `pg` and `ioredis`, one question after the other.
 *
 *     node examples/database/compare.ts postgres 5432 /run/postgresql/.s.PGSQL.5432
 *     node examples/database/compare.ts redis 6379 /run/redis/redis.sock
 */
import { dirname } from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { openPostgres, openRedis } from "./clients.ts";

const ROUNDS = 10;
const ROUND_MS = 50;

interface Candidate {
	readonly name: string;
	readonly ask: () => Promise<unknown>;
	readonly close: () => Promise<unknown>;
	readonly rates: number[];
}

function overPostgres(name: string, pool: pg.Pool): Candidate {
	const query = { name: "add", text: "SELECT $1::int + 1 AS sum", values: [41] };
	const ask = async (): Promise<void> => {
		const { rows } = await pool.query<{ sum: number }>(query);
		if (rows[0]?.sum !== 42) throw new Error("PostgreSQL cannot add");
	};
	return { name, ask, close: () => pool.end(), rates: [] };
}

function overRedis(name: string, redis: Redis): Candidate {
	const ask = async (): Promise<void> => {
		if ((await redis.echo("42")) !== "42") throw new Error("Redis does not echo");
	};
	return { name, ask, close: () => redis.quit(), rates: [] };
}

/** Questions per second. */
async function measure(ask: Candidate["ask"], durationMs: number): Promise<number> {
	const start = performance.now();
	let elapsedMs = 0;
	let count = 0;
	for (; elapsedMs < durationMs; elapsedMs = performance.now() - start) {
		await ask();
		count++;
	}
	return (count * 1_000) / elapsedMs;
}

const [database, port = "5432", path = ""] = process.argv.slice(2);
// Redis has a path; `pg` has the folder of a socket file, and its port, with which its name ends.
const places = [
	{ name: "TCP", address: `tcp://127.0.0.1:${port}`, host: "127.0.0.1", path: undefined },
	{ name: "Unix", address: `unix:${path}`, host: dirname(path), path },
];
const candidates = places.flatMap(({ name, address, host, path }) => {
	if (database === "redis") {
		const node = new Redis(path === undefined ? { host, port: Number(port) } : { path });
		return [
			overRedis(`${name}, socketry`, openRedis(address)),
			overRedis(`${name}, node:net`, node),
		];
	}
	const options = { user: "postgres", database: "postgres", max: 1 };
	const node = new pg.Pool({ ...options, host, port: Number(port) });
	return [
		overPostgres(`${name}, socketry`, openPostgres(address, options)),
		overPostgres(`${name}, node:net`, node),
	];
});
for (const { ask } of candidates) await measure(ask, ROUND_MS);
// In turns: what else the machine does meets all of them.
for (let round = 0; round < ROUNDS; round++) {
	for (const { ask, rates } of candidates) rates.push(await measure(ask, ROUND_MS));
}
// The best round: whatever else the machine does can only take away.
const best = candidates.map(({ rates }) => Math.max(...rates));
for (const [i, { name, close }] of candidates.entries()) {
	const rate = best[i] as number;
	console.log(`${name}: ${Math.round(rate)} per second, ${(1e6 / rate).toFixed(1)} us each`);
	await close();
}
const [tcp = 0, nodeTcp = 0, unix = 0, nodeUnix = 0] = best;
const share = (way: number, other: number): number => Math.round((100 * other) / way);
console.log(
	`Unix in ${share(unix, tcp)} % of the time of TCP on socketry, ${share(nodeUnix, nodeTcp)} % on node:net`,
);
