/**
 * A web server of Node's on TCP and on a Unix socket at once: the second is for a proxy on the same host, or for nobody but you.
 *
 *     node examples/web/server.ts tcp://127.0.0.1:8080 unix:/tmp/web.sock
 *     curl http://127.0.0.1:8080/
 *     curl --unix-socket /tmp/web.sock --data-binary @package.json http://web/digest
 *
 * and in nginx: `location / { proxy_pass http://unix:/tmp/web.sock; }`, whose user must be allowed to connect: by `mode` or `group` of `listen`.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { serveAt } from "./addresses.ts";

async function digestOf(body: IncomingMessage): Promise<string> {
	const hash = createHash("sha256");
	await pipeline(body, hash);
	return hash.digest("hex");
}

const server = createServer((request, response) => {
	if (request.url === "/digest") {
		digestOf(request).then(
			(digest) => response.end(`${digest}\n`),
			// Who breaks off an upload gets no answer.
			() => response.destroy(),
		);
		return;
	}
	const { remoteAddress = "this host" } = request.socket;
	response.end(`hello ${request.headers["x-forwarded-for"] ?? remoteAddress}\n`);
});

await serveAt(server, process.argv.slice(2));
