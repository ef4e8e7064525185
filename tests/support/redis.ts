/** A Redis server for the time of a test, on a Unix socket and on TCP. */
import { join } from "node:path";
import { inFolder } from "./folder.ts";
import { freePort, lacking, lineLike, startPeer, stop } from "./programs.ts";

/** Why tests with a server are skipped; false when they are not. */
export const LACKING_REDIS: string | false = lacking("redis-server");

/** A server that runs. */
export interface RedisServer {
	/** Of TCP, at 127.0.0.1. */
	readonly port: number;
	/** Its socket file. */
	readonly path: string;
}

/** Runs `body` with a server that keeps nothing. */
export async function withRedis(body: (server: RedisServer) => Promise<void>): Promise<void> {
	await inFolder(async (folder) => {
		const path = join(folder, "redis.sock");
		const port = await freePort();
		const settings = ["--port", String(port), "--bind", "127.0.0.1", "--unixsocket", path];
		const nothing = ["--save", "", "--appendonly", "no", "--dir", folder];
		const server = startPeer("redis-server", [...settings, ...nothing], { timeoutMs: 600_000 });
		try {
			await lineLike(server, /The server is now ready to accept connections at/);
			await body({ port, path });
		} finally {
			await stop(server);
		}
	});
}
