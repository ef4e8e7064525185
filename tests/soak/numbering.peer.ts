/**
 * Sends numbered datagrams: ADDRESS COUNT OFFLOAD. By UDP it stays close ahead of what the receiver says it has got, but now and then it
 * sends many at once, so that some are lost. Ends when the receiver has got an end mark.
 */
import { type Datagrams, datagrams, parseAddress } from "socketry";
import { BLOCK, datagram, END_MARK, isUniform, lengthOf, readUint32 } from "./numbered.ts";

const AHEAD_MAX = 64;
const BURST_EVERY = 65_536;
const BURST = 2_048;
const LOST_MS = 20;

const [target = "", total = "0", offload = "true"] = process.argv.slice(2);
const count = Number(total);
const isUdp = parseAddress(target).transport === "udp";
const socket = await datagrams(undefined, { connect: target, offload: offload === "true" });
// The highest number that the receiver has got.
let confirmed = -1;

for (let number = 0; number < count; number++) {
	const isBurst = number % BURST_EVERY < BURST;
	if (isUdp && !isBurst && number - confirmed > AHEAD_MAX) await catchUp(number);
	if (number % (8 * BLOCK) === 0 && isUniform(number) && number + BLOCK <= count) {
		await sendBlock(socket, number);
		number += BLOCK - 1;
	} else await socket.send(datagram(number));
}
await socket.flush();

for (let mark = 0; confirmed !== END_MARK; mark++) {
	const data = Buffer.alloc(8);
	data.writeUInt32LE(END_MARK, 0);
	data.writeUInt32LE(mark, 4);
	await socket.send(data);
	await socket.flush();
	await hear(1_000);
	while (confirmed !== END_MARK && (await hear(0)));
}
await socket.close();

/** Waits for the receiver, who may have lost the last ones. */
async function catchUp(number: number): Promise<void> {
	while (number - confirmed > AHEAD_MAX) {
		if (!(await hear(LOST_MS))) confirmed = number - 1;
	}
}

async function hear(timeoutMs: number): Promise<boolean> {
	const heard = await socket.receive({ timeoutMs }).catch(() => undefined);
	if (heard === undefined) return false;
	confirmed = Math.max(confirmed, readUint32(heard.data, 0));
	return true;
}

/** A block of equal lengths in one call; the large one that may be among them makes it a run of its own, after it. */
async function sendBlock(to: Datagrams, first: number): Promise<void> {
	const stride = lengthOf(first);
	const all = Array.from({ length: BLOCK }, (_, i) => datagram(first + i));
	if (all.every(({ length }) => length === stride)) await to.sendBatch(Buffer.concat(all), stride);
	else for (const data of all) await to.send(data);
}
