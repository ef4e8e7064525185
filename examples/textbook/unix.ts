/** A Unix socket by the textbook, asynchronous: bound to a path, which the program removes itself, as in C. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socket } from "socketry/socket";

const folder = mkdtempSync(join(tmpdir(), "textbook-"));
const address = { family: "unix", path: join(folder, "socket") } as const;
const server = socket("unix", "stream");
server.bind(address);
server.listen();

const client = socket("unix", "stream");
const [peer] = await Promise.all([server.accept(), client.connect(address)]);
await client.send(Buffer.from("hello"));
const buffer = Buffer.alloc(1024);
const count = await peer.recv(buffer, { timeoutMs: 5000 });
console.log(buffer.toString("utf8", 0, count));
console.log(peer.getOption("SO_PEERCRED").pid === process.pid);
for (const each of [client, peer, server]) each.close();
rmSync(folder, { recursive: true });
