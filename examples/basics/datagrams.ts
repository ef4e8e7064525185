/** Datagrams: a server that answers whoever asks, a connected client, and many datagrams in few system calls. */
import { datagrams } from "socketry";

// The same with unix-dgram:/run/app.sock or unix-dgram:@name.
await using server = await datagrams("udp://127.0.0.1:0");
await using client = await datagrams(undefined, { connect: server.address });

await client.send("question");
const { data, from, truncated } = await server.receive({ timeoutMs: 5000 });
console.log(String(data), truncated ? "cut" : "whole");
await server.send("answer", from);
console.log(String((await client.receive({ timeoutMs: 5000 })).data));

// 100 datagrams of 16 bytes, neither copied nor sent one by one.
await client.sendBatch(Buffer.alloc(1600), 16);
let count = 0;
while (count < 100) {
	const batch = await server.receiveBatch({ timeoutMs: 5000 });
	count += batch.count; // batch.data(i), batch.from(i): valid until the next receiveBatch
}
console.log(`${count} in batches`);
