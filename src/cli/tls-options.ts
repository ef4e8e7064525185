/** Options of TLS, and the files they name. */
import { readFileSync } from "node:fs";
import type { TlsConnectOptions } from "../tls/index.ts";
import { UsageError } from "./exit-code.ts";

/**
 * Reads what to connect with; undefined without TLS.
 *
 * @throws {UsageError} a file cannot be read, or an option of TLS is given without `--tls`
 */
export function readTls(
	values: {
		readonly tls?: boolean | undefined;
		readonly "tls-name"?: string | undefined;
		readonly "tls-ca"?: string | undefined;
	},
	option = "--tls",
): TlsConnectOptions | undefined {
	const { tls = false, "tls-name": servername, "tls-ca": ca } = values;
	if (tls) return { servername, tls: ca === undefined ? {} : { ca: readPem("--tls-ca", ca) } };
	if ((servername ?? ca) === undefined) return undefined;
	throw new UsageError(`--tls-name and --tls-ca go with ${option}`);
}

/**
 * Reads a file of certificates or keys.
 *
 * @throws {UsageError} it cannot be read
 */
export function readPem(option: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		throw new UsageError(`${option}: ${(error as Error).message}`, { cause: error });
	}
}
