/** Busy polling: after each event the loop asks again and again instead of sleeping. It costs a processor, and saves the wake-up. */
import { connect, listen } from "socketry";

const ROUNDS = Number(process.argv[2] ?? 20_000);
// So long does the loop stay hot after the last event; then it sleeps as usual.
const busyPollUs = 200;

const address = `unix:@socketry-busy-${process.pid}` as const;
const listener = await listen(address, { busyPollUs });
const client = await connect(address, { busyPollUs });
const server = await listener.accept({ timeoutMs: 5000 });
listener.close();

async function answer(): Promise<void> {
	for await (const chunk of server) await server.write(chunk);
}

const answering = answer();
const question = Buffer.alloc(64, "x");
const start = performance.now();
for (let i = 0; i < ROUNDS; i++) {
	await client.write(question);
	await client.readExactly(question.length);
}
const us = ((performance.now() - start) * 1000) / ROUNDS;
// Both ends are one thread here. Two processes on two processors gain most: see `npm run bench -- --case 'pingpong-2cpu/*'`.
console.log(`${ROUNDS} round trips, ${us.toFixed(1)} us each`);
await client.close();
await answering;
await server.close();
