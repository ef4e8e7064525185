/** A certificate of localhost, made for one test file. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** PEM texts; the certificate is its own authority. */
export interface Certificate {
	readonly key: string;
	readonly cert: string;
	readonly ca: string;
}

/** Makes one by openssl. */
export function makeCertificate(): Certificate {
	const folder = mkdtempSync(join(tmpdir(), "socketry-"));
	try {
		const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
		const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
		const whose = [
			"-days",
			"2",
			"-subj",
			"/CN=localhost",
			"-addext",
			"subjectAltName=DNS:localhost",
		];
		const files = ["-keyout", keyFile, "-out", certFile];
		// The sanitizers that our tests may run with are not for it.
		const env = { ...process.env, LD_PRELOAD: "" };
		execFileSync("openssl", ["req", ...kind, ...whose, ...files], { stdio: "ignore", env });
		const cert = readFileSync(certFile, "utf8");
		return { key: readFileSync(keyFile, "utf8"), cert, ca: cert };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
