/** Unmodified `pg` and `ioredis` over streams of this library: each takes its connections from a function or a class that it is given. */
import { AbstractConnector, Redis, type RedisOptions } from "ioredis";
import pg from "pg";
import { connectDuplex } from "socketry/node";

/** A pool of connections to a PostgreSQL server: `tcp://127.0.0.1:5432`, `unix:/run/postgresql/.s.PGSQL.5432`. */
export function openPostgres(address: string, options: pg.PoolConfig = {}): pg.Pool {
	return new pg.Pool({ ...options, stream: () => connectDuplex(address) });
}

/** A client of a Redis server: `tcp://127.0.0.1:6379`, `unix:/run/redis/redis.sock`. */
export function openRedis(
	address: string,
	options: Omit<RedisOptions, "replyMapping"> = {},
): Redis {
	class Connector extends AbstractConnector {
		constructor() {
			super(options.disconnectTimeout ?? 2_000);
		}

		override async connect(): Promise<AbstractConnector["stream"]> {
			this.connecting = true;
			// ioredis takes any duplex; its types know the sockets of Node alone.
			this.stream = connectDuplex(address) as unknown as AbstractConnector["stream"];
			this.stream.once("error", (error) => {
				this.firstError = error;
			});
			return this.stream;
		}
	}
	return new Redis({ ...options, Connector });
}
