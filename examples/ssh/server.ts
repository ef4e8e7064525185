/**
 * An SSH server, that of the package `ssh2`, on listeners of this library. It has no shell: who has the key can run `sha256sum` on what he sends, `cat`,
 * and `whoami`.
 *
 *     ssh-keygen -t ed25519 -N '' -f host.key
 *     node examples/ssh/server.ts host.key ~/.ssh/id_ed25519.pub tcp://127.0.0.1:2222 unix:/tmp/ssh.sock
 *     echo hello | ssh -p 2222 anna@127.0.0.1 sha256sum
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { formatAddress, type Listener, listen, type Stream } from "socketry";
import { toDuplex } from "socketry/node";
import ssh2, { type AuthContext, type Connection, type ServerChannel } from "ssh2";

const [hostKeyFile = "", userKeyFile = "", ...addresses] = process.argv.slice(2);
const parsed = ssh2.utils.parseKey(readFileSync(userKeyFile));
if (parsed instanceof Error) throw parsed;
const userKey = parsed;
const clients = new Set<Connection>();
const stopping = new AbortController();
const { signal } = stopping;
process.once("SIGINT", () => stopping.abort());
process.once("SIGTERM", () => stopping.abort());

function mayEnter(attempt: AuthContext): boolean {
	if (attempt.method !== "publickey") return false;
	const { algo, data } = attempt.key;
	const expected = userKey.getPublicSSH();
	const isKey = data.length === expected.length && timingSafeEqual(data, expected);
	if (algo !== userKey.type || !isKey) return false;
	// The first time the client only asks whether the key would do.
	const { blob, signature, hashAlgo } = attempt;
	return !(blob && signature) || userKey.verify(blob, signature, hashAlgo) === true;
}

async function run(command: string, user: string, channel: ServerChannel): Promise<void> {
	let status = 0;
	if (command === "cat") await pipeline(channel, channel, { end: false });
	else if (command === "whoami") channel.write(`${user}\n`);
	else if (command === "sha256sum") {
		const hash = createHash("sha256");
		await pipeline(channel, hash);
		channel.write(`${hash.digest("hex")}\n`);
	} else {
		status = 127;
		channel.stderr.write("commands are: cat, sha256sum, whoami\n");
	}
	channel.exit(status);
	channel.end();
}

function serve(client: Connection): void {
	let user = "";
	clients.add(client);
	client.on("close", () => clients.delete(client));
	client.on("error", () => client.end());
	client.on("authentication", (attempt) => {
		user = attempt.username;
		if (mayEnter(attempt)) attempt.accept();
		else attempt.reject(["publickey"]);
	});
	client.on("session", (acceptSession) => {
		acceptSession().on("exec", (accept, _reject, { command }) => {
			const channel = accept();
			run(command, user, channel).catch(() => channel.destroy());
		});
	});
}

const server = new ssh2.Server({ hostKeys: [readFileSync(hostKeyFile)] }, serve);

async function admit(listener: Listener<Stream>): Promise<void> {
	// ssh2 takes any duplex; its types know the sockets of Node alone.
	for await (const stream of listener) server.injectSocket(toDuplex(stream) as unknown as Socket);
	for (const client of clients) client.end();
}

for (const address of addresses) {
	const listener = await listen(address as `tcp:${string}`, { onStale: "replace-dead", signal });
	console.log(`serving ${formatAddress(listener.address)}`);
	void admit(listener);
}
