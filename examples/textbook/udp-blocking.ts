/** UDP by the textbook, blocking. Both ends can live in one thread, for the kernel keeps the datagrams meanwhile. */
import { socket } from "socketry/socket";

const server = socket("inet", "dgram");
server.bind({ family: "inet", host: "127.0.0.1", port: 0 });
const client = socket("inet", "dgram");

client.sendtoSync(Buffer.from("ping"), server.getsockname());
const buffer = Buffer.alloc(1500);
const question = server.recvfromSync(buffer, { timeoutMs: 5000 });
server.sendtoSync(buffer.subarray(0, question.bytes), question.from);
const answer = client.recvfromSync(buffer, { timeoutMs: 5000 });
console.log(buffer.toString("utf8", 0, answer.bytes));
server.close();
client.close();
