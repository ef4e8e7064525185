/** `pg` by its adapter for Cloudflare Workers, whose sockets are ours: PORT USER "plain" or "tls". Prints what the server says of the connection. */
import { register } from "node:module";

const [port = "", user = "", manner = ""] = process.argv.slice(2);

// What an edge runtime has built in.
const sockets = JSON.stringify(import.meta.resolve("socketry/winter"));
const hook = `export function resolve(specifier, context, next) {
	if (specifier !== "cloudflare:sockets") return next(specifier, context);
	return { url: ${sockets}, shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const value = { userAgent: "Cloudflare-Workers" };
Object.defineProperty(globalThis, "navigator", { value });

const { Pool } = (await import("pg")).default;
const pool = new Pool({
	host: "127.0.0.1",
	port: Number(port),
	user,
	database: "postgres",
	ssl: manner === "tls",
	max: 2,
});
const client = await pool.connect();
const stream = (client as unknown as { connection: { stream: object } }).connection.stream;
const asked = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
const { rows } = await client.query(asked);
const large = await client.query("SELECT repeat('x', 4000000) AS text");
const sent = await client.query("SELECT length($1::text) AS length", ["y".repeat(3_000_000)]);
client.release();
await Promise.all(Array.from({ length: 50 }, (_, i) => pool.query("SELECT $1::int AS i", [i])));
await pool.end();
const lengths = [large.rows[0].text.length, sent.rows[0].length];
console.log(JSON.stringify({ adapter: stream.constructor.name, ...rows[0], lengths }));
