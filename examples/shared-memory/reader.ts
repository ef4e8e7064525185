/** The other process of `main.ts`: gets memory, says so, and what its bytes come to; then reads as many bytes from the socket. */
import { connect, Memfd, type Stream } from "socketry";
import { checksum } from "./checksum.ts";

const stream = (await connect(process.argv[2] as string, { receiveDescriptors: 1 })) as Stream;
await stream.write("ready\n");
await stream.readUntil("\n");
const [arrival] = stream.takeDescriptors();
const [descriptor] = arrival?.descriptors ?? [];
if (descriptor === undefined) throw new Error("no descriptor came");

using memory = Memfd.from(descriptor);
// Refuses memory that the sender could shrink.
const bytes = memory.map({ shared: false });
await stream.write(`${bytes.length} bytes mapped\n`);
await stream.flush(); // now, and not after the work that follows
await stream.write(`${checksum(bytes)}\n`);

const target = new Uint8Array(1_048_576);
for (let left = bytes.length; left > 0; ) left -= (await stream.readInto(target)) || left;
await stream.write("read\n");
await stream.close();
