/** The other end of a conversation, to be stopped or killed. Arguments: what it does, and with whom. */
import { connect, type PacketStream, type Stream } from "socketry";

const [role = "", to = ""] = process.argv.slice(2);

async function sink(stream: Stream): Promise<void> {
	let total = 0;
	let sum = 0;
	for await (const chunk of stream) {
		total += chunk.length;
		for (const byte of chunk) sum = (sum * 31 + byte) >>> 0;
	}
	await stream.write(`${total} ${sum}\n`);
	await stream.close();
}

async function echo(stream: Stream): Promise<void> {
	for await (const chunk of stream) await stream.write(chunk);
}

async function pour(stream: Stream): Promise<void> {
	const chunk = new Uint8Array(10_000).fill(120);
	for (;;) await stream.write(chunk);
}

const peer = await connect(to);
console.log("connected");
if (role === "sink") await sink(peer as Stream);
else if (role === "echo") await echo(peer as Stream);
else if (role === "pour") await pour(peer as Stream);
else if (role === "packets") {
	for (let i = 0; ; i++) await (peer as PacketStream).send(`${i}`);
} else setInterval(() => {}, 1_000);
