/** Node's contexts of TLS, with errors that name what is wrong. */
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { InvalidValueError } from "../errors.ts";

const PEM = "must be the contents of a file in PEM with";
const WANTED = {
	ca: `${PEM} certificates`,
	cert: `${PEM} a certificate`,
	key: `${PEM} a private key, with \`passphrase\` if it is encrypted`,
	pfx: "must be the contents of a file of PKCS #12 with a certificate and its key, with `passphrase` if it is encrypted",
	crl: `${PEM} lists of certificates that were revoked`,
	ciphers: "must have ciphers that OpenSSL knows",
	ecdhCurve: "must have curves that OpenSSL knows",
	sigalgs: "must have algorithms that OpenSSL knows",
} as const;
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;

/**
 * Makes one.
 *
 * @param name of the options, for errors
 * @throws {InvalidValueError} a field is not what it should be, or key and certificate do not belong together; `cause` is Node's error, if it has one
 * @throws {TypeError} Node's own, of a field that has another type
 */
export function secureContextOf(options: SecureContextOptions, name = "tls"): SecureContext {
	requireAuthorities(options.ca, name);
	try {
		return createSecureContext(options);
	} catch (error) {
		throw explained(options, name, error as Error);
	}
}

// Node takes what has none: it trusts nobody then, or every public authority if the text is empty.
function requireAuthorities(ca: SecureContextOptions["ca"], name: string): void {
	for (const each of Array.isArray(ca) ? ca : [ca]) {
		const isText = typeof each === "string" || each instanceof Uint8Array;
		if (!isText || CERTIFICATE.test(Buffer.from(each).toString("latin1"))) continue;
		throw new InvalidValueError(`${name}.ca`, WANTED.ca);
	}
}

function explained(options: SecureContextOptions, name: string, error: Error): Error {
	const { code } = error as NodeJS.ErrnoException;
	// They name the field.
	if (error instanceof TypeError) return error;
	if (code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH") {
		return because(
			error,
			`${name}.key`,
			"must be the private key of `cert`, and is that of another",
		);
	}
	const { passphrase } = options;
	for (const [field, wanted] of Object.entries(WANTED)) {
		const value = options[field as keyof typeof WANTED];
		if (value === undefined) continue;
		const cause = failureOf({ [field]: value, ...(passphrase !== undefined && { passphrase }) });
		if (cause !== undefined) return because(cause, `${name}.${field}`, wanted);
	}
	return error;
}

function failureOf(options: SecureContextOptions): Error | undefined {
	try {
		createSecureContext(options);
		return undefined;
	} catch (error) {
		return error as Error;
	}
}

// What was given is not shown: it may be secret.
function because(cause: Error, field: string, why: string): InvalidValueError {
	const error = new InvalidValueError(field, why);
	Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
	return error;
}
