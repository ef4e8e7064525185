/**
 * Express, as it is, on TCP and on a Unix socket.
 *
 *     node examples/web/express.ts tcp://127.0.0.1:8080 unix:/tmp/express.sock
 *     curl http://127.0.0.1:8080/hello/anna
 */
import { createServer } from "node:http";
import express from "express";
import { serveAt } from "./addresses.ts";

const app = express();
app.get("/hello/:name", (request, response) => {
	response.json({ hello: request.params.name });
});
app.post("/sum", express.json(), (request, response) => {
	const numbers = request.body as number[];
	response.json({ sum: numbers.reduce((sum, number) => sum + number, 0) });
});

await serveAt(createServer(app), process.argv.slice(2));
