/** Passing an open descriptor over a Unix socket: the other side gets a number of its own for the same connection. */
import { rightsMessage, Socket, socketpair } from "socketry/socket";
import { SCM_RIGHTS, SOL_SOCKET } from "socketry/sys";

const [sender, receiver] = socketpair("stream"); // in two processes as a rule
const [kept, given] = socketpair("stream"); // what is handed over: any descriptor

await sender.sendmsg([Buffer.from("take this")], { control: [rightsMessage([given.fd])] });
given.close(); // it is on its way

const buffer = Buffer.alloc(64);
const { bytes, control, controlTruncated } = await receiver.recvmsg([buffer], { timeoutMs: 5000 });
if (controlTruncated) throw new Error("descriptors were lost");
console.log(buffer.toString("utf8", 0, bytes));

const taken: Socket[] = [];
for (const { level, type, data } of control) {
	if (level !== SOL_SOCKET || type !== SCM_RIGHTS) continue;
	const numbers = new Int32Array(data.slice().buffer);
	for (const fd of numbers) taken.push(Socket.fromFd(fd)); // ours now, close-on-exec
}
const [first] = taken;
if (first === undefined) throw new Error("no descriptor came");
await first.write(Buffer.from("over the passed one"));
console.log(buffer.toString("utf8", 0, await kept.read(buffer, { timeoutMs: 5000 })));
for (const each of [sender, receiver, kept, ...taken]) each.close();
