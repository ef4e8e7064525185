/** The certificate that a peer has shown, as values rather than as text. */
import type { X509Certificate } from "node:crypto";

/** A name in a certificate by its short attribute names: `{ CN: "api.example", O: "Example" }`. An attribute may be there more than once. */
export type CertificateName = Readonly<Record<string, string | readonly string[]>>;

/** A certificate of X.509. */
export interface PeerCertificate {
	/** Whose it is. */
	readonly subject: CertificateName;
	/** The authority that has signed it. */
	readonly issuer: CertificateName;
	/** Names of hosts that it is for, in the order of the certificate; `*.` stands for any one label. */
	readonly dnsNames: readonly string[];
	/** IP addresses that it is for. */
	readonly ipAddresses: readonly string[];
	/** Addresses of mail that it is for. */
	readonly emailAddresses: readonly string[];
	/** URIs that it is for, such as those of SPIFFE. */
	readonly uris: readonly string[];
	/** Before this moment it is not valid yet. */
	readonly validFrom: Date;
	/** After this moment it is not valid any more. */
	readonly validTo: Date;
	/** In hexadecimal digits. */
	readonly serialNumber: string;
	/** SHA-256 of the whole certificate, as `AB:CD:...`. */
	readonly fingerprint256: string;
	/** All that Node knows of it: its public key, its bytes (`raw`), the certificate of its issuer. */
	readonly x509: X509Certificate;
}

/** Reads a certificate. */
export function peerCertificate(x509: X509Certificate): PeerCertificate {
	const names = subjectAltNames(x509.subjectAltName ?? "");
	const of = (kind: string): readonly string[] =>
		names.filter((each) => each.kind === kind).map(({ value }) => value);
	return Object.freeze({
		subject: certificateName(x509.subject),
		issuer: certificateName(x509.issuer),
		dnsNames: of("DNS"),
		ipAddresses: of("IP Address"),
		emailAddresses: of("email"),
		uris: of("URI"),
		validFrom: new Date(x509.validFrom),
		validTo: new Date(x509.validTo),
		serialNumber: x509.serialNumber,
		fingerprint256: x509.fingerprint256,
		x509,
	});
}

interface AltName {
	readonly kind: string;
	readonly value: string;
}

/**
 * Takes Node's text of alternative names apart: `DNS:a.example, URI:"with, comma"`. Node quotes, as JSON, whatever could be misread.
 *
 * @see https://nodejs.org/api/crypto.html#x509subjectaltname
 */
function subjectAltNames(text: string): AltName[] {
	const names: AltName[] = [];
	const pattern = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|(?!")[^,]*)(?:, |$)/y;
	for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
		const [, kind = "", value = ""] = match;
		names.push({ kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value });
	}
	return names;
}

// One attribute a line, as `CN=api.example`; Node escapes what is special in RFC 2253.
function certificateName(text: string): CertificateName {
	const name = new Map<string, string | string[]>();
	for (const line of (text ?? "").split("\n")) {
		const at = line.indexOf("=");
		if (at <= 0) continue;
		const key = line.slice(0, at);
		const value = line.slice(at + 1);
		const before = name.get(key);
		name.set(key, before === undefined ? value : [before, value].flat());
	}
	return Object.fromEntries(name);
}
