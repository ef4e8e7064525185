/** Run in a network namespace whose loopback interface has a small MTU: prints what happened as JSON. */
import type { NetworkError } from "#src/datagram/error-queue.ts";
import { datagrams } from "#src/open/open-datagrams.ts";
import { PATIENT } from "../support/patience.ts";

async function exchange(
	host: string,
	strides: readonly number[],
	[sending, receiving]: readonly [boolean, boolean],
): Promise<number[]> {
	const server = await datagrams(`udp://${host}:0`, {
		receiveBufferBytes: 4_194_304,
		offload: receiving,
	});
	const client = await datagrams(undefined, { connect: server.address, offload: sending });
	const wrong: number[] = [];
	for (const stride of strides) {
		const data = Buffer.alloc(stride * 19 + 1, stride);
		await client.sendBatch(data, stride);
		for (let i = 0; i < 20; i++) await client.send(data.subarray(0, stride));
		await client.flush();
		for (let i = 0; i < 40; i++) {
			const { bytes } = await server.receive(PATIENT);
			if (bytes !== (i === 19 ? 1 : stride)) wrong.push(stride);
		}
	}
	await Promise.all([server.close(), client.close()]);
	return wrong;
}

async function refuse(host: string, fits: number): Promise<object> {
	const server = await datagrams(`udp://${host}:0`);
	const errors: NetworkError[] = [];
	const client = await datagrams(undefined, {
		connect: server.address,
		mtuDiscovery: "do",
		onNetworkError: (error) => errors.push(error),
	});
	await client.send(Buffer.alloc(fits));
	const { code } = await client
		.send(Buffer.alloc(fits + 1))
		.then(() => client.flush())
		.then(
			() => ({ code: "none" }),
			(error: { code: string }) => error,
		);
	const { pathMtu } = client;
	const { bytes } = await server.receive();
	await Promise.all([server.close(), client.close()]);
	return {
		code,
		pathMtu,
		bytes,
		kinds: errors.map(({ kind, origin, mtu }) => [kind, origin, mtu]),
	};
}

/** What becomes of datagrams that must not be fragmented, among others of the same tick: lengths that arrived, and codes of failures. */
async function forbid(local: string, host: string): Promise<object> {
	const server = await datagrams(`udp://${host}:0`);
	const client = await datagrams(local);
	const to = server.address;
	const dontFragment = true;
	const codes: string[] = [];
	const note = (error: { code: string }): void => {
		codes.push(error.code);
	};
	for (const isFirst of [true, false]) {
		if (!isFirst) await client.send("first of the tick", to);
		await client.send(Buffer.alloc(4_000), to, { dontFragment }).catch(note);
		await client.send(Buffer.alloc(4_001), to);
		await client.send(Buffer.alloc(1_400), to, { dontFragment });
		await client.flush().catch(note);
	}
	await client.sendBatch(Buffer.alloc(8_000), 2_000, to, { dontFragment }).catch(note);
	await client.sendBatch(Buffer.alloc(2_000), 1_000, to, { dontFragment });
	await client.sendBatch(Buffer.alloc(8_000), 4_000, to);
	const arrived: number[] = [];
	while (arrived.length < 9) arrived.push((await server.receive(PATIENT)).bytes);
	await Promise.all([server.close(), client.close()]);
	return { codes, arrived };
}

const strides = [1_000, 1_472, 2_000, 1_452, 100, 4_000];
const wrong: number[] = [];
for (const sending of [true, false]) {
	for (const receiving of [true, false]) {
		for (const host of ["127.0.0.1", "[::1]"]) {
			wrong.push(...(await exchange(host, strides, [sending, receiving])));
		}
	}
}
const result = {
	wrong,
	ipv4: await refuse("127.0.0.1", 1_472),
	ipv6: await refuse("[::1]", 1_452),
	forbidden: [
		await forbid("udp://127.0.0.1:0", "127.0.0.1"),
		await forbid("udp://*:0", "127.0.0.1"),
		await forbid("udp://[::1]:0", "[::1]"),
	],
};
console.log(JSON.stringify(result));
