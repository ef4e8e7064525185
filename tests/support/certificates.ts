/** Certificates made on the spot, with just what a test needs: no files, no program, and any time of validity. */
import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";

/** A certificate and its key, as Node's TLS takes them. */
export interface Identity {
	readonly key: string;
	readonly cert: string;
}

/** What a certificate says. */
export interface Claims {
	readonly commonName?: string;
	readonly dns?: readonly string[];
	readonly ips?: readonly string[];
	readonly emails?: readonly string[];
	readonly uris?: readonly string[];
	readonly validFrom?: Date;
	readonly validTo?: Date;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const DAY_MS = 86_400_000;

const ECDSA_SHA256 = der(SEQUENCE, oid("1.2.840.10045.4.3.2"));

/** An authority that signs certificates. */
export class Authority {
	/** To be trusted: the `ca` of Node's TLS. */
	readonly cert: string;
	readonly #name: Buffer;
	readonly #key: KeyObject;

	constructor(commonName = "Test Authority") {
		const { privateKey, publicKey } = newKey();
		this.#name = nameOf(commonName);
		this.#key = privateKey;
		const basic = der(SEQUENCE, der(0x01, Buffer.from([0xff])));
		this.cert = this.#sign(this.#name, publicKey, {}, [extension("2.5.29.19", basic, true)]);
	}

	/** Issues a certificate: for the names, or by default for `localhost`. */
	issue(claims: Claims = { dns: ["localhost"] }): Identity {
		const { privateKey, publicKey } = newKey();
		const names = Buffer.concat([
			...(claims.dns ?? []).map((name) => der(0x82, Buffer.from(name))),
			...(claims.ips ?? []).map((ip) => der(0x87, addressBytes(ip))),
			...(claims.emails ?? []).map((email) => der(0x81, Buffer.from(email))),
			...(claims.uris ?? []).map((uri) => der(0x86, Buffer.from(uri))),
		]);
		const extensions = names.length === 0 ? [] : [extension("2.5.29.17", der(SEQUENCE, names))];
		const subject = nameOf(claims.commonName ?? claims.dns?.[0] ?? "nobody");
		return {
			key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
			cert: this.#sign(subject, publicKey, claims, extensions),
		};
	}

	#sign(subject: Buffer, publicKey: KeyObject, claims: Claims, extensions: Buffer[]): string {
		const { validFrom = new Date(Date.now() - DAY_MS), validTo = new Date(Date.now() + DAY_MS) } =
			claims;
		const serial = randomBytes(8);
		serial[0] = 0x4d;
		const body = der(
			SEQUENCE,
			der(0xa0, der(INTEGER, Buffer.from([2]))),
			der(INTEGER, serial),
			ECDSA_SHA256,
			this.#name,
			der(SEQUENCE, time(validFrom), time(validTo)),
			subject,
			publicKey.export({ type: "spki", format: "der" }),
			...(extensions.length === 0 ? [] : [der(0xa3, der(SEQUENCE, ...extensions))]),
		);
		const signature = createSign("sha256").update(body).sign(this.#key);
		const whole = der(SEQUENCE, body, ECDSA_SHA256, bitString(signature));
		const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
		return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
	}
}

function newKey(): { privateKey: KeyObject; publicKey: KeyObject } {
	return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function nameOf(commonName: string): Buffer {
	const attribute = der(SEQUENCE, oid("2.5.4.3"), der(UTF8_STRING, Buffer.from(commonName)));
	return der(SEQUENCE, der(SET, attribute));
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
	const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
	return der(SEQUENCE, oid(id), ...critical, der(OCTET_STRING, value));
}

function time(date: Date): Buffer {
	const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
	return der(GENERALIZED_TIME, Buffer.from(digits));
}

function bitString(bytes: Uint8Array): Buffer {
	return der(BIT_STRING, Buffer.from([0]), bytes);
}

function addressBytes(ip: string): Buffer {
	return Buffer.from(ip.split(".").map(Number));
}

function oid(text: string): Buffer {
	const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
	const bytes = [first * 40 + second];
	for (const part of rest) {
		const septets = [part & 0x7f];
		for (let left = part >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
		bytes.push(...septets);
	}
	return der(OBJECT_ID, Buffer.from(bytes));
}

function der(tag: number, ...contents: Uint8Array[]): Buffer {
	const content = Buffer.concat(contents);
	const { length } = content;
	if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
	const head = length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
	return Buffer.concat([Buffer.from(head), content]);
}
