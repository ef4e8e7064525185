/** Errors of Node's TLS as those of this library. */
import { SocketError, TlsError, type TlsReason } from "../errors.ts";

interface CodedError extends Error {
	readonly code?: string;
	readonly reason?: string;
}

// Of X509_verify_cert, as Node names them; https://nodejs.org/api/tls.html#x509-certificate-error-codes
const CERTIFICATE =
	/^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERROR_IN_CERT_|OUT_OF_MEM|UNSPECIFIED)/;
const UNKNOWN_ISSUER = "its issuer is not known here; give that as `ca` (--tls-ca of the commands)";
const INCOMPLETE_CHAIN = `${UNKNOWN_ISSUER}, and have the peer send its intermediate certificates`;
const ADVICE: Readonly<Record<string, string>> = {
	CERT_HAS_EXPIRED: "it has expired; renew it, or look at this machine's clock",
	CERT_NOT_YET_VALID: "it is not valid yet; look at the clocks of both machines",
	DEPTH_ZERO_SELF_SIGNED_CERT:
		"it is signed by itself; give it as `ca` (--tls-ca of the commands) if it is the right one",
	SELF_SIGNED_CERT_IN_CHAIN:
		"its root is not trusted here; give that as `ca` (--tls-ca of the commands) if it is the right one",
	UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: INCOMPLETE_CHAIN,
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: INCOMPLETE_CHAIN,
};

/** Why the peer's certificate was refused. @param whose as in `"The server's certificate"` */
export function certificateError(whose: string, code: string, cause?: Error): TlsError {
	const why = ADVICE[code] ?? cause?.message ?? "see the code";
	const error = new TlsError("certificate", `${whose} was not accepted (${code}): ${why}`, cause);
	if (cause === undefined) Object.assign(error, { detail: code });
	return error;
}

/** The caller's error of one that came up before the handshake was done. */
export function explainHandshake(error: Error): Error {
	const { code = "", message } = error as CodedError;
	if (error instanceof SocketError) return error;
	if (code.endsWith("CERT_ALTNAME_INVALID")) {
		const { reason = message } = error as CodedError;
		return new TlsError("name", `The server's certificate is for another name: ${reason}`, error);
	}
	if (CERTIFICATE.test(code)) return certificateError("The server's certificate", code, error);
	if (/NO_APPLICATION_PROTOCOL/.test(code)) {
		const text = "The two sides have no application protocol in common (ALPN)";
		return new TlsError("alpn", text, error);
	}
	if (code === "ECONNRESET") return endedError(error);
	return failure("handshake", "The handshake of TLS failed", error);
}

/** The caller's error of one that came up afterwards. */
export function explainLater(error: Error): Error {
	const { code = "" } = error as CodedError;
	return /^ERR_(SSL|TLS|OSSL)/.test(code) ? failure("protocol", "TLS broke", error) : error;
}

/** The peer hung up during the handshake. */
export function endedError(cause?: Error): TlsError {
	const text = "The peer ended the connection during the handshake of TLS";
	return new TlsError("ended", text, cause);
}

function failure(reason: TlsReason, what: string, error: Error): TlsError {
	const { code, reason: why = error.message } = error as CodedError;
	return new TlsError(reason, `${what}${code === undefined ? "" : ` (${code})`}: ${why}`, error);
}
