/**
 * Hands a large buffer to another process without copying it: the socket carries one descriptor and a line of text. Then sends the same bytes
 * through the socket, for comparison.
 *
 *     node examples/shared-memory/main.ts          256 MiB
 *     node examples/shared-memory/main.ts MEBIBYTES
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { formatAddress, give, listen, Memfd } from "socketry";
import { checksum } from "./checksum.ts";

const mebibytes = Number(process.argv[2] ?? 256);
const size = mebibytes * 1_048_576;

const memory = Memfd.create(size, "example");
// Whoever maps it must know that it cannot shrink: reading behind the end would end the process (SIGBUS).
memory.seal({ shrink: true, grow: true });
const bytes = memory.map();
const words = new Uint32Array(bytes.buffer);
for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2_654_435_761);
// From now on only this map can be written to. The reader maps a private one.
memory.seal({ write: "future", seal: true });
const sum = checksum(bytes);

// An abstract name: only processes of this user are let in.
await using listener = await listen(`unix:@socketry-shared-memory-${process.pid}`);
const reader = fileURLToPath(new URL(`./reader${import.meta.url.slice(-3)}`, import.meta.url));
const child = spawn(process.execPath, [reader, formatAddress(listener.address)], {
	stdio: ["ignore", "inherit", "inherit"],
});
await using stream = await listener.accept({ timeoutMs: 30_000 });
await stream.readUntil("\n");

const start = performance.now();
await stream.write("memory\n", { descriptors: [give(memory)] });
const mapped = String(await stream.readUntil("\n"));
const handedOverMs = performance.now() - start;
console.log(`handed over: ${mapped.trim()}, ${stream.bytesWritten} bytes through the socket`);
const told = String(await stream.readUntil("\n")).trim();
console.log(
	told === String(sum) ? "the reader found the same bytes" : `wrong: ${told}, not ${sum}`,
);

const begin = performance.now();
await stream.write(bytes);
await stream.readUntil("\n");
const sentMs = performance.now() - begin;
console.log(`the same sent through the socket: ${stream.bytesWritten} bytes`);
console.log(
	`from the write until the reader's answer that it can read: ${handedOverMs.toFixed(1)} ms with a descriptor, ${sentMs.toFixed(1)} ms with the bytes`,
);
await once(child, "exit");
