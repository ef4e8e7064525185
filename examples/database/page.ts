/**
 * A web server beside its database: a guest book, whose one page is a query. Give the database's Unix socket, and then its TCP port, to see what
 * the shorter way is worth.
 *
 *     node examples/database/page.ts tcp://127.0.0.1:8080 unix:/run/postgresql/.s.PGSQL.5432
 *     curl -d 'hello from curl' http://127.0.0.1:8080/
 *     wrk -c16 http://127.0.0.1:8080/
 */
import { createServer, type IncomingMessage } from "node:http";
import { formatAddress, listen } from "socketry";
import { attachHttp } from "socketry/node";
import { openPostgres } from "./clients.ts";

const [address = "tcp://127.0.0.1:8080", database = "unix:/run/postgresql/.s.PGSQL.5432"] =
	process.argv.slice(2);
const pool = openPostgres(database, { user: "postgres", database: "postgres", max: 8 });
await pool.query("CREATE TABLE IF NOT EXISTS guests (id serial PRIMARY KEY, entry text NOT NULL)");

// Named, so that the server plans it once for each connection.
const LATEST = { name: "latest", text: "SELECT entry FROM guests ORDER BY id DESC LIMIT 10" };
const SIGN = "INSERT INTO guests (entry) VALUES ($1)";
/** Characters. */
const ENTRY_MAX = 200;
const ESCAPED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

async function page(): Promise<string> {
	const { rows } = await pool.query<{ entry: string }>(LATEST);
	const entries = rows.map(({ entry }) => entry.replace(/[&<>]/g, (sign) => ESCAPED[sign] ?? ""));
	return `<!doctype html><title>Guests</title>${entries.map((entry) => `<p>${entry}`).join("\n")}\n`;
}

/** Of who sends more, the connection is closed. */
async function entryOf(body: IncomingMessage): Promise<string> {
	let entry = "";
	for await (const chunk of body.setEncoding("utf8")) {
		entry += chunk;
		if (entry.length > ENTRY_MAX) throw new Error("too long an entry");
	}
	return entry;
}

async function answer(request: IncomingMessage): Promise<string> {
	if (request.method === "POST") await pool.query(SIGN, [await entryOf(request)]);
	return await page();
}

const server = createServer((request, response) => {
	answer(request).then(
		(html) => response.setHeader("Content-Type", "text/html; charset=utf-8").end(html),
		(error) => {
			console.error(error);
			response.writeHead(503).end("the guest book is closed\n");
		},
	);
});
const listener = await listen(address as `tcp:${string}`, { onStale: "replace-dead" });
attachHttp(server, listener);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
	process.once(signal, () => server.close(() => void pool.end()));
}
console.log(`serving ${formatAddress(listener.address)}`);
