/** Passing open descriptors over a Unix socket: the other side gets a file and a live connection. */
import { open } from "node:fs/promises";
import { adopt, give, socketpair } from "socketry";

const [sender, receiver] = socketpair("stream", { receiveDescriptors: true }); // in two processes as a rule
const [kept, given] = socketpair(); // what is handed over: any connection
const file = await open("/proc/self/status"); // or anything else that has a descriptor

// The file is duplicated, the stream is given away.
await sender.write("take this", { descriptors: [file, give(given)] });
await file.close();

console.log(String(await receiver.read()));
const [arrival] = receiver.takeDescriptors();
for (const owned of arrival?.descriptors ?? []) console.log(owned.kind);
const [status, connection] = arrival?.descriptors ?? [];
if (status === undefined || connection === undefined) throw new Error("nothing came");
status.close();

await using taken = adopt(connection, { kind: "stream" });
await taken.write("over the passed one");
console.log(String(await kept.read()));
for (const each of [sender, receiver, kept]) await each.close();
