/** UDP by the textbook, asynchronous: socket, bind, sendto, recvfrom, close. */
import { socket } from "socketry/socket";

const server = socket("inet", "dgram");
server.bind({ family: "inet", host: "127.0.0.1", port: 0 });
const client = socket("inet", "dgram");

await client.sendto(Buffer.from("ping"), server.getsockname());
const buffer = Buffer.alloc(1500);
const question = await server.recvfrom(buffer, { timeoutMs: 5000 });
await server.sendto(buffer.subarray(0, question.bytes), question.from);
const answer = await client.recvfrom(buffer, { timeoutMs: 5000 });
console.log(buffer.toString("utf8", 0, answer.bytes));
server.close();
client.close();
