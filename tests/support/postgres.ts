/** A PostgreSQL server for the time of a test, on a Unix socket and on TCP, which trusts whoever connects. */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Identity } from "./certificates.ts";
import { inFolder } from "./folder.ts";
import { freePort, lacking, lineLike, startPeer, stop } from "./programs.ts";

const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;
// The server does not run as root.
const UNDER = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];

/** Why tests with a server are skipped; false when they are not. */
export const LACKING_POSTGRES: string | false = lacking("initdb", "postgres", "setpriv");

/** A server that runs. */
export interface PostgresServer {
	/** Of TCP, at 127.0.0.1. */
	readonly port: number;
	/** Folder of its socket file, as libpq and `pg` take it for a host. */
	readonly folder: string;
	/** Its socket file. */
	readonly path: string;
	/** Its superuser, whose database has the same name. */
	readonly user: "postgres";
}

/** Options of `withPostgres`. */
export interface PostgresOptions {
	/** Makes further files, in a folder that is the server's; returns settings for the server. */
	readonly prepare?: (folder: string) => readonly string[];
}

/** Has a server speak TLS: what its `prepare` is then. */
export function speakingTls(identity: Identity): (folder: string) => readonly string[] {
	return (folder) => {
		const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
		writeFileSync(key, identity.key, { mode: 0o600 });
		writeFileSync(cert, identity.cert);
		if (isRoot) for (const each of [key, cert]) chownSync(each, NOBODY, NOBODY);
		return ["ssl=on", `ssl_key_file=${key}`, `ssl_cert_file=${cert}`];
	};
}

/** Runs `body` with a server. */
export async function withPostgres(
	body: (server: PostgresServer) => Promise<void>,
	{ prepare }: PostgresOptions = {},
): Promise<void> {
	await inFolder(async (top) => {
		const folder = join(top, "run");
		mkdirSync(folder);
		const further = prepare?.(folder) ?? [];
		if (isRoot) for (const each of [top, folder]) chownSync(each, NOBODY, NOBODY);
		const user = "postgres";
		const data = join(top, "data");
		const flags = ["-A", "trust", "-U", user, "-N", "--no-locale", "-E", "UTF8"];
		const made = await startPeer("initdb", ["-D", data, ...flags], { under: UNDER }).ended;
		assert.equal(made.code, 0, made.stderr);
		const port = await freePort();
		const settings = [
			...["listen_addresses=127.0.0.1", `port=${port}`, "fsync=off", "synchronous_commit=off"],
			...["shared_buffers=16MB", "max_connections=40", ...further],
		];
		const server = startPeer(
			"postgres",
			["-D", data, "-k", folder, ...settings.flatMap((setting) => ["-c", setting])],
			{ under: UNDER, lines: "stderr", timeoutMs: 600_000 },
		);
		try {
			await lineLike(server, /ready to accept connections/);
			await body({ port, folder, path: join(folder, `.s.PGSQL.${port}`), user });
		} finally {
			await stop(server, "SIGINT");
		}
	});
}
