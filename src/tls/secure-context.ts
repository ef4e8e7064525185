/** Node's contexts of TLS, with errors that name what is wrong. */
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { InvalidTypeError, InvalidValueError } from "../errors.ts";

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
// Of Node: `The "options.key" property must be of type string or an instance of Buffer. Received type number (5)`.
const WRONG_TYPE = /^The "options\.(\w+)" property must be (.+)\. Received /s;
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;

/**
 * Refuses what holds no settings, such as the text of a key.
 *
 * @throws {InvalidTypeError} it is no object; it is not shown, for it may be secret
 */
export function requireSettings(name: string, value: unknown): void {
	const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
	if (!isObject) throw new InvalidTypeError(name, "an object");
}

/**
 * Makes one.
 *
 * @param name of the options, for errors
 * @throws {InvalidValueError} a field is not what it should be, or key and certificate do not belong together; `cause` is Node's error, if it has one
 * @throws {InvalidTypeError} a field has another type
 * @throws {TypeError} Node's own, of a version of TLS that there is not
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
	if (error instanceof TypeError && code !== undefined) return withoutValue(name, error);
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

function withoutValue(name: string, error: TypeError): Error {
	const [, field, expected] = WRONG_TYPE.exec(error.message) ?? [];
	if (field === undefined || expected === undefined) return error;
	return new InvalidTypeError(`${name}.${field}`, expected);
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
