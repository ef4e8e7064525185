/**
 * Becomes a user, and asks a PostgreSQL server who it is. Arguments: the socket file, its owner, the role, and the user to become, if any. Prints the server's
 * answer, or why it refused.
 */
import { connect, type Stream, socketpair } from "socketry";

const [path = "", owner = "", role = "", user] = process.argv.slice(2);
// While the files of the package can be read.
for (const end of socketpair()) await end.close();
if (user !== undefined) {
	process.setgroups?.([]);
	process.setgid?.(Number(user));
	process.setuid?.(Number(user));
}

// 3.0, as of the frontend/backend protocol of PostgreSQL 7.4 and later.
const PROTOCOL = 196_608;
const HEADER_BYTES = 5;
const ROW_VALUE_AT = 6;

const stream = await connect(`unix:${path}`, { owner: Number(owner) });
await stream.write(startup());
for (;;) {
	const { type, body } = await message(stream);
	if (type === "E") {
		console.log(`refused: ${field(body, "C")} ${field(body, "M")}`);
		break;
	}
	// The first is sent before a query is taken, the second after it.
	if (type === "Z") await stream.write(query("select current_user"));
	if (type === "D") {
		console.log(`let in as ${body.toString("utf8", ROW_VALUE_AT)}`);
		break;
	}
}
await stream.close();

function startup(): Buffer {
	const body = Buffer.from(`user\0${role}\0database\0postgres\0\0`);
	const head = Buffer.alloc(8);
	head.writeInt32BE(head.length + body.length, 0);
	head.writeInt32BE(PROTOCOL, 4);
	return Buffer.concat([head, body]);
}

function query(text: string): Buffer {
	const body = Buffer.from(`${text}\0`);
	const head = Buffer.alloc(HEADER_BYTES, "Q");
	head.writeInt32BE(4 + body.length, 1);
	return Buffer.concat([head, body]);
}

async function message(source: Stream): Promise<{ type: string; body: Buffer }> {
	const head = Buffer.from(await source.readExactly(HEADER_BYTES));
	const length = head.readInt32BE(1) - 4;
	const body = length === 0 ? Buffer.alloc(0) : Buffer.from(await source.readExactly(length));
	return { type: head.toString("latin1", 0, 1), body };
}

function field(body: Buffer, code: string): string | undefined {
	return body
		.toString("utf8")
		.split("\0")
		.find((text) => text.startsWith(code))
		?.slice(1);
}
