/** A process that serves and can be succeeded, within the process of a test. */
import assert from "node:assert/strict";
import {
	ClosedError,
	connect,
	type Datagrams,
	datagrams,
	type Listener,
	type Stream,
} from "socketry";
import { type HandoverError, type OfferOptions, type Successor, takeOver } from "socketry/handover";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";

/** What the old process serves on: a port, a socket file, datagrams. */
export interface Old {
	readonly post: `unix-seqpacket:${string}`;
	readonly folder: string;
	readonly sockets: { readonly web: string; readonly local: string; readonly names: string };
	readonly web: Listener<Stream>;
	readonly local: Listener<Stream>;
	readonly names: Datagrams;
	/** Who has taken over; undefined when nobody had until it was closed. */
	readonly successor: Promise<Successor | undefined>;
	/** The next attempt that comes to nothing. */
	failure(): Promise<HandoverError>;
	/** Expects that all sockets are served, by this process or another. */
	assertServes(): Promise<void>;
	/** Offers nothing any more. */
	withdraw(): Promise<void>;
	close(): Promise<void>;
}

/** Options of `withOld`. */
export interface OldOptions extends Omit<OfferOptions, "onFailure"> {
	/** In place of a path in the folder. */
	readonly post?: `unix-seqpacket:${string}`;
}

/** Runs `body` with an old process, of which nothing is left afterwards. */
export async function withOld(
	options: OldOptions,
	body: (old: Old) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		const before = openResources();
		const old = await startOld(folder, options);
		try {
			await body(old);
		} finally {
			await old.close();
		}
		await assertNoLeaks(before);
	});
}

async function startOld(folder: string, { post, ...offer }: OldOptions): Promise<Old> {
	const place = post ?? (`unix-seqpacket:${folder}/post` as const);
	const handover = await takeOver(place, {
		sockets: {
			web: "tcp://127.0.0.1:0",
			local: `unix:${folder}/local` as const,
			names: "udp://127.0.0.1:0",
		},
	});
	const { web, local, names } = await handover.ready();
	const failures: HandoverError[] = [];
	let wake = (): void => {};
	const successor = handover.offer({
		...offer,
		onFailure: (error) => {
			failures.push(error);
			wake();
		},
	});
	const serving = [serve(web), serve(local), answer(names)];
	const addresses = { web: web.address, local: local.address, names: names.address };
	return {
		post: place,
		folder,
		sockets: {
			web: "tcp://127.0.0.1:0",
			local: `unix:${folder}/local`,
			names: "udp://127.0.0.1:0",
		},
		web,
		local,
		names,
		successor,
		failure: async () => {
			while (failures.length === 0) {
				await new Promise<void>((resolve) => {
					wake = resolve;
				});
			}
			return failures.shift() as HandoverError;
		},
		assertServes: async () => {
			for (const address of [addresses.web, addresses.local]) {
				const client = (await connect(address, PATIENT)) as Stream;
				await client.write("ping");
				assert.equal(String(await client.readExactly(4, PATIENT)), "ping");
				await client.close();
			}
			await using client = await datagrams("udp://127.0.0.1:0", { connect: addresses.names });
			await client.send("ping");
			assert.equal(String((await client.receive(PATIENT)).data), "ping");
		},
		withdraw: () => handover.close(),
		close: async () => {
			await handover.close();
			web.close();
			local.close();
			await names.close();
			await Promise.all(serving);
		},
	};
}

async function serve(listener: Listener<Stream>): Promise<void> {
	for await (const stream of listener) void echo(stream);
}

/** Sends back what comes, until the other side ends or the connection is handed over. */
export async function echo(stream: Stream): Promise<void> {
	try {
		for await (const chunk of stream) await stream.write(chunk);
		await stream.close();
	} catch (error) {
		if (!(error instanceof ClosedError)) stream.abort();
	}
}

/** Sends each datagram back, until there are no more. */
export async function answer(socket: Datagrams): Promise<void> {
	for await (const { data, from } of socket) await socket.send(data, from);
}
