/** A byte stream over TCP: a server that echoes, and a client that ends one direction and reads on. */
import { connect, listen, type Stream } from "socketry";

// The same with unix:/run/app.sock, unix:@name or vsock://2:5000.
const listener = await listen("tcp://127.0.0.1:0");

async function serve(): Promise<void> {
	for await (const stream of listener) void echo(stream);
}

async function echo(stream: Stream): Promise<void> {
	try {
		for await (const chunk of stream) await stream.write(chunk);
		await stream.close();
	} catch (error) {
		console.error(String(error)); // one client's failure is not the server's
		stream.abort();
	}
}

const serving = serve();
const { port } = listener.address;
const stream = await connect(`tcp://127.0.0.1:${port}`, { timeoutMs: 5000 });
for (const word of ["many ", "small ", "writes ", "leave ", "together"]) await stream.write(word);
await stream.closeWrite(); // the peer reads its end; we can still read
let reply = "";
for await (const chunk of stream) reply += String(chunk);
console.log(reply);
await stream.close();
listener.close(); // ends the loop of serve()
await serving;
