/**
 * Fastify, as it is, on TCP and on a Unix socket.
 *
 *     node examples/web/fastify.ts tcp://127.0.0.1:8080 unix:/tmp/fastify.sock
 *     curl http://127.0.0.1:8080/hello/anna
 */
import Fastify from "fastify";
import { serveAt } from "./addresses.ts";

const app = Fastify();
app.get<{ Params: { name: string } }>("/hello/:name", ({ params }) => ({ hello: params.name }));
app.post<{ Body: number[] }>(
	"/sum",
	{ schema: { body: { type: "array", items: { type: "number" } } } },
	({ body }) => ({ sum: body.reduce((sum, number) => sum + number, 0) }),
);

// In place of listen(): hooks run, and routes are ready.
await app.ready();
await serveAt(app.server, process.argv.slice(2));
