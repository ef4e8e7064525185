import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { peerCertificate } from "#src/tls/peer-certificate.ts";
import { Authority } from "../support/certificates.ts";

function read(claims: Parameters<Authority["issue"]>[0]): ReturnType<typeof peerCertificate> {
	return peerCertificate(new X509Certificate(new Authority("Some CA").issue(claims).cert));
}

test("a name that pretends to be several is one", () => {
	const uris = ["spiffe://a, DNS:evil.example", 'urn:"quoted", URI:x', "urn:\\back"];
	const certificate = read({ dns: ["one.example"], ips: ["10.0.0.1"], uris });
	assert.deepEqual(certificate.dnsNames, ["one.example"]);
	assert.deepEqual(certificate.ipAddresses, ["10.0.0.1"]);
	assert.deepEqual(certificate.uris, uris);
	assert.deepEqual(certificate.emailAddresses, []);
});

test("a subject that pretends to have another attribute does not have it", () => {
	const certificate = read({ commonName: "x\nO=Somebody Else" });
	assert.equal(certificate.subject["O"], undefined);
	assert.equal(certificate.issuer["CN"], "Some CA");
});

test("times and figures are values", () => {
	const [validFrom, validTo] = [new Date("2001-02-03T04:05:06Z"), new Date("2051-02-03T04:05:06Z")];
	const certificate = read({ validFrom, validTo });
	assert.deepEqual([certificate.validFrom, certificate.validTo], [validFrom, validTo]);
	assert.match(certificate.serialNumber, /^4D[0-9A-F]{14}$/);
	assert.equal(certificate.x509.fingerprint256, certificate.fingerprint256);
	assert.ok(Object.isFrozen(certificate));
});

test("text that is no list of names ends the reading, and harms nothing", () => {
	const texts = ["", "DNS", ":", "DNS:", "DNS:a,b", 'URI:"unclosed', ",,,", "DNS:a, , DNS:b"];
	for (const subjectAltName of texts) {
		const certificate = { subject: "", issuer: "", subjectAltName } as X509Certificate;
		const { dnsNames, uris } = peerCertificate(certificate);
		assert.ok(dnsNames.length + uris.length < 2, subjectAltName);
	}
});
