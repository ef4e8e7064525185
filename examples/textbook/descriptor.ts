/** A descriptor is like a file: read and write work on any kind, and a Socket can be given up and adopted by its number. */
import { Socket, socketpair } from "socketry/socket";

const [left, right] = socketpair("stream");
const number = left.detachFd(); // ours to close from here on
const adopted = Socket.fromFd(number);
await adopted.write(Buffer.from("by number"));
const buffer = Buffer.alloc(64);
console.log(buffer.toString("utf8", 0, await right.read(buffer)));
adopted.close();
right.close();
