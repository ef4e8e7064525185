/** Database servers of a test's own, in its folder, on TCP and on a Unix socket. */
import assert from "node:assert/strict";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { whenReachable } from "socketry";
import { freePort, lineLike, startPeer, stop } from "./programs.ts";

/** Where a server listens. */
export interface DatabaseServer {
	/** On 127.0.0.1. */
	readonly port: number;
	/** Of the Unix socket. */
	readonly path: string;
	stop(): Promise<void>;
}

// PostgreSQL refuses to run as root; 65534 is nobody.
const UNDER =
	process.geteuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];

/** Starts PostgreSQL with a superuser `postgres` who needs no password. Needs `initdb`, `postgres` and `setpriv`. */
export async function startPostgres(folder: string): Promise<DatabaseServer> {
	if (UNDER.length > 0) chownSync(folder, 65_534, 65_534);
	const data = join(folder, "postgres");
	const make = ["-D", data, "-A", "trust", "-U", "postgres", "-N", "--no-locale", "-E", "UTF8"];
	const made = await startPeer("initdb", make, { under: UNDER }).ended;
	assert.equal(made.code, 0, made.stderr);
	const port = await freePort();
	const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "fsync=off"];
	const args = ["-D", data, "-k", folder, ...settings.flatMap((setting) => ["-c", setting])];
	const server = startPeer("postgres", args, { under: UNDER, lines: "stderr" });
	await lineLike(server, /ready to accept connections/);
	const path = join(folder, `.s.PGSQL.${port}`);
	return { port, path, stop: async () => void (await stop(server, "SIGINT")) };
}

/** Starts Redis, which keeps everything in memory. Needs `redis-server`. */
export async function startRedis(folder: string): Promise<DatabaseServer> {
	const port = await freePort();
	const path = join(folder, "redis.sock");
	const settings = { port, unixsocket: path, dir: folder, bind: "127.0.0.1", appendonly: "no" };
	const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
	const server = startPeer("redis-server", [...args, "--save", ""]);
	await whenReachable(`unix:${path}`, { timeoutMs: 10_000 });
	return { port, path, stop: async () => void (await stop(server)) };
}
