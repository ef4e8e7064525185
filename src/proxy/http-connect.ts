/** The client's side of HTTP CONNECT: RFC 9110 section 9.3.6. */
import { ProxyError } from "../errors.ts";
import type { HostAddress } from "../socket/address.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { ByteStream } from "../stream/contract.ts";
import type { ProxyCredentials } from "./proxy-address.ts";

const HEAD_BYTES_MAX = 16_384;
const HEADS_MAX = 8;
const HEAD_START = "HTTP/1.";
const HEAD_END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9][0-9])(?: ([^\r\n]*))?\r\n/;

/**
 * Asks the proxy at the other end of `stream` for a connection; afterwards the stream is that connection. Names are resolved by the proxy.
 *
 * @param remaining options for the next wait
 * @throws {ProxyError} the proxy refuses, or is none
 */
export async function askHttp(
	stream: ByteStream,
	target: HostAddress,
	credentials: ProxyCredentials | undefined,
	remaining: () => WaitOptions | undefined,
): Promise<void> {
	const host = target.host.includes(":") ? `[${target.host}]` : target.host;
	const authority = `${host}:${target.port}`;
	const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
	if (credentials !== undefined) {
		const pair = Buffer.from(`${credentials.username}:${credentials.password}`);
		lines.push(`Proxy-Authorization: Basic ${pair.toString("base64")}`);
	}
	await stream.write(`${lines.join("\r\n")}\r\n\r\n`, remaining());
	for (let i = 0; i < HEADS_MAX; i++) {
		const head = await readHead(stream, remaining);
		const [, status, reason = ""] = STATUS_LINE.exec(head) ?? [];
		if (status === undefined) break;
		if (status.startsWith("2")) return;
		// Informational answers come before the final one; RFC 9110 section 15.2.
		if (!status.startsWith("1")) throw new ProxyError("http", Number(status), reason, target);
	}
	throw new ProxyError("http", 0, "what answers there is no HTTP proxy", target);
}

// Not a byte beyond its end, so that the connection can be given away as it is: as many at a time as must be missing.
async function readHead(
	stream: ByteStream,
	remaining: () => WaitOptions | undefined,
): Promise<string> {
	let head = "";
	while (!head.endsWith(HEAD_END)) {
		// No end of a head in sight: whatever it is, it is no answer.
		if (head.length >= HEAD_BYTES_MAX) return "";
		head += Buffer.from(await stream.readExactly(missing(head), remaining())).toString("latin1");
		// What speaks first, and waits then, would keep us waiting too.
		if (!head.startsWith(HEAD_START.slice(0, head.length))) return "";
	}
	return head;
}

function missing(head: string): number {
	const begun = [3, 2, 1].find((length) => head.endsWith(HEAD_END.slice(0, length)));
	return HEAD_END.length - (begun ?? 0);
}
