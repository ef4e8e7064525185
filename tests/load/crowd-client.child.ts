/** Opens many connections, holds them all, and has each of them echoed several times. Arguments: the address as JSON, and how many. */
import assert from "node:assert/strict";
import { type Address, connect, type Stream } from "socketry";

const [to = "", count = ""] = process.argv.slice(2);
const address = JSON.parse(to) as Address;
const total = Number(count);
const AT_ONCE = 200;
const ROUNDS = 3;

const streams: Stream[] = [];
await Promise.all(Array.from({ length: AT_ONCE }, connectSome));
assert.equal(streams.length, total);
console.log("held");
for (let round = 0; round < ROUNDS; round++) {
	await Promise.all(streams.map((stream, i) => ask(stream, `${round} of ${i};`.repeat(3))));
}
console.log("echoed");
await Promise.all(streams.map((stream) => stream.close()));
console.log("closed");

async function connectSome(_: unknown, lane: number): Promise<void> {
	for (let i = lane; i < total; i += AT_ONCE) streams.push((await connect(address)) as Stream);
}

async function ask(stream: Stream, question: string): Promise<void> {
	await stream.write(question);
	assert.equal(String(await stream.readExactly(question.length)), question);
}
