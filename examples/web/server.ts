/**
 * A web server of Node's on TCP and on a Unix socket at once: the second is for a proxy on the same host, or for nobody but you.
 *
 *     node examples/web/server.ts tcp://127.0.0.1:8080 unix:/tmp/web.sock
 *     curl http://127.0.0.1:8080/
 *     curl --unix-socket /tmp/web.sock --data-binary @package.json http://web/digest
 *
 * and in nginx: `location / { proxy_pass http://unix:/tmp/web.sock; }`
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";
import { serveAt } from "./addresses.ts";

const server = createServer(async (request, response) => {
	if (request.url === "/digest") {
		const hash = createHash("sha256");
		// Who breaks off an upload gets no answer.
		await pipeline(request, hash).catch(() => response.destroy());
		response.end(`${hash.digest("hex")}\n`);
		return;
	}
	const { remoteAddress = "this host" } = request.socket;
	response.end(`hello ${request.headers["x-forwarded-for"] ?? remoteAddress}\n`);
});

await serveAt(server, process.argv.slice(2));
