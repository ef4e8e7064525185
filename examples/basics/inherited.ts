/** A listening socket that a child process inherits: the parent opens it, the child serves it as fd:3. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { connect, listen } from "socketry";

async function child(): Promise<void> {
	const listener = await listen("fd:3");
	const connection = await listener.accept({ timeoutMs: 5000 });
	if (!("write" in connection)) throw new Error("not a listener of byte streams");
	await connection.write(`served by another process, ${connection.peer.transport}`);
	await connection.close();
	listener.close();
}

async function parent(): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	const started = spawn(process.execPath, [fileURLToPath(import.meta.url), "child"], {
		stdio: ["ignore", "inherit", "inherit", listener.socket.fd],
	});
	listener.close(); // the child has its own; connections queue until it accepts
	const stream = await connect(`tcp://127.0.0.1:${port}`, { timeoutMs: 5000 });
	console.log(String(await stream.readUntil("tcp", { timeoutMs: 10_000 })));
	await stream.close();
	if (started.exitCode === null) await once(started, "exit");
}

await (process.argv[2] === "child" ? child() : parent());
