/** A thread that hands a connection over and back, and then over again. */
import { parentPort } from "node:worker_threads";
import { socketpair } from "socketry";
import { fromNetSocket, toNetSocket } from "socketry/node";

const [left, right] = socketpair();
await right.write("in a worker");
const stream = await fromNetSocket(await toNetSocket(left));
const text = String(await stream.readExactly(11));
const socket = await toNetSocket(stream);
socket.ref();
parentPort?.postMessage(text);
