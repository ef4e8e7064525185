/**
 * Becomes a user, and connects or listens as that user. Argument: a JSON object.
 *
 * As a client it prints what became of the connection: what the server sent, `null` for its end, or a code. As a server it prints "ready", and
 * answers each connection with "hello" until it is killed.
 */

import {
	type ConnectOptions,
	connect,
	type Listener,
	type ListenOptions,
	listen,
	type PacketStream,
	type Stream,
	socketpair,
	users,
} from "socketry";

/** What the child is told. */
export interface CallerOrder {
	readonly action: "connect" | "listen";
	readonly address: string;
	readonly uid?: number;
	readonly gid?: number;
	readonly groups?: readonly number[];
	readonly options?: ConnectOptions & ListenOptions;
	/** Sent at once by a client, so that there is something unread when it is refused. */
	readonly greeting?: string;
	/** A server sends the credentials of each peer, in place of "hello". */
	readonly tells?: boolean;
	/** A policy of the server: `users(...)`. */
	readonly users?: readonly (number | string)[];
	/** Whom a server becomes once it listens. */
	readonly laterUid?: number;
}

const order = JSON.parse(process.argv[2] ?? "{}") as CallerOrder;
// While the files of the package can be read.
for (const end of socketpair()) await end.close();
if (order.uid !== undefined) {
	process.setgroups?.([...(order.groups ?? [])]);
	process.setgid?.(order.gid ?? order.uid);
	process.setuid?.(order.uid);
}

if (order.action === "connect") console.log(JSON.stringify(await ask()));
else await serve();

async function ask(): Promise<unknown> {
	try {
		const connection = await connect(order.address, order.options);
		try {
			if (order.greeting !== undefined) await say(connection, order.greeting);
			const answer = await hear(connection);
			return answer === null ? null : String(answer);
		} finally {
			await connection.close();
		}
	} catch (error) {
		return { code: (error as { code?: string }).code, message: (error as Error).message };
	}
}

async function serve(): Promise<void> {
	const listener: Listener<Stream> | Listener<PacketStream> = await listen(order.address, {
		...order.options,
		...(order.users && { allow: users(order.users) }),
	});
	if (order.laterUid !== undefined) process.setuid?.(order.laterUid);
	console.log("ready");
	for await (const connection of listener) {
		try {
			await say(connection, order.tells ? JSON.stringify(connection.peerCredentials) : "hello");
			await connection.close();
		} catch {
			// Who wants another server has left.
			connection.abort();
		}
	}
}

async function say(connection: Stream | PacketStream, text: string): Promise<void> {
	await ("write" in connection ? connection.write(text) : connection.send(text));
}

function hear(connection: Stream | PacketStream): Promise<Uint8Array | null> {
	return "read" in connection ? connection.read() : connection.receive();
}
