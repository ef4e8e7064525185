/** Options of TLS, and the files they name. */
import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import { type Address, formatAddress } from "../index.ts";
import type { TlsClientOptions, TlsServerOptions } from "../tls/index.ts";
import { UsageError } from "./exit-code.ts";

const PRIVATE_KEY = /^-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/m;

/** What was given for one side of TLS. */
interface TlsValues {
	readonly tls?: boolean | undefined;
	readonly "tls-name"?: string | undefined;
	readonly "tls-ca"?: string | undefined;
	readonly "tls-cert"?: string | undefined;
	readonly "tls-key"?: string | undefined;
}

/**
 * Reads what to connect with; undefined without TLS.
 *
 * @param to where to connect to
 * @param option that asks for TLS
 * @throws {UsageError} a file cannot be read, an option of TLS is given without the one that asks for it, or there is no name to verify a server by
 */
export function readTls(
	values: TlsValues,
	to: readonly Address[],
	option = "--tls",
): TlsClientOptions | undefined {
	const { tls = false, "tls-name": servername, "tls-ca": ca, "tls-cert": cert } = values;
	const identity = readIdentity(cert, values["tls-key"]);
	if (tls) {
		const nameless = to.find((each) => !("host" in each || "service" in each));
		if (servername === undefined && nameless !== undefined) {
			throw new UsageError(
				`${option}: ${formatAddress(nameless)} has no host to verify the server by; give its name by --tls-name`,
			);
		}
		return {
			servername,
			tls: { ...(ca === undefined ? {} : { ca: readPem("--tls-ca", ca) }), ...identity },
		};
	}
	if ((servername ?? ca ?? cert) === undefined) return undefined;
	throw new UsageError(`--tls-name, --tls-ca and --tls-cert go with ${option}`);
}

/**
 * Reads what to listen with; undefined without TLS.
 *
 * @param cert file of the certificate; it may hold the key too
 * @param clientCa file of authorities one of which must have signed a client's certificate; undefined if clients need none
 * @param option that names the certificate, and `caOption` the authorities
 * @throws {UsageError} a file cannot be read, or there is no certificate to go with the rest
 */
export function readServerTls(
	cert: string | undefined,
	key: string | undefined,
	clientCa: string | undefined,
	option: string,
	caOption: string,
): TlsServerOptions | undefined {
	const identity = readIdentity(cert, key, option);
	if (identity !== undefined && clientCa === undefined) return identity;
	if (identity !== undefined && clientCa !== undefined) {
		return { ...identity, ca: readPem(caOption, clientCa), requestCert: true };
	}
	if (clientCa !== undefined) throw new UsageError(`${caOption} goes with ${option}`);
	return undefined;
}

/**
 * Makes sure at the start that certificates and keys are such, and belong together.
 *
 * @throws {UsageError} they are not, or do not
 */
export async function checkTls(
	...sides: readonly (SecureContextOptions | undefined)[]
): Promise<void> {
	for (const side of sides) {
		if (side === undefined) continue;
		const { secureContextOf } = await import("../tls/secure-context.ts");
		try {
			secureContextOf(side);
		} catch (error) {
			const { message } = error as Error;
			throw new UsageError(`the files for TLS are not what they should be: ${message}`, {
				cause: error,
			});
		}
	}
}

function readIdentity(
	cert: string | undefined,
	key: string | undefined,
	option = "--tls-cert",
): { readonly cert: Buffer; readonly key: Buffer } | undefined {
	if (cert === undefined) {
		if (key === undefined) return undefined;
		throw new UsageError(`--tls-key goes with ${option}`);
	}
	const certificate = readPem(option, cert);
	if (key !== undefined) return { cert: certificate, key: readPem("--tls-key", key) };
	if (PRIVATE_KEY.test(certificate.toString("latin1"))) {
		return { cert: certificate, key: certificate };
	}
	throw new UsageError(`${option}: ${cert} holds no private key; give its file by --tls-key`);
}

function readPem(option: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		throw new UsageError(`${option}: ${(error as Error).message}`, { cause: error });
	}
}
