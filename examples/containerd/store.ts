/**
 * Speaks with containerd over its Unix socket: keeps standard input in its content store, writes what it reads back to standard output, and tells what
 * happened meanwhile on standard error.
 *
 *     node examples/containerd/store.ts unix:/run/containerd/containerd.sock < package.json
 */
import { once } from "node:events";
import { type ClientDuplexStream, type ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { type Service, serviceAt } from "./services.ts";
import { StreamCredentials } from "./streams.ts";

interface Written {
	readonly offset: number;
	readonly digest: string;
}

const [address = "unix:/run/containerd/containerd.sock"] = process.argv.slice(2);
const NAMESPACE = `socketry-${process.pid}`;
/** Actions of content.proto. */
const WRITE = 1;
const COMMIT = 2;

const metadata = new Metadata();
metadata.set("containerd-namespace", NAMESPACE);
const credentials = new StreamCredentials();
const version = serviceAt(address, "version", credentials);
const namespaces = serviceAt(address, "namespaces", credentials);
const content = serviceAt(address, "content", credentials);
const events = serviceAt(address, "events", credentials);

/** Asks a question that has one answer. */
function ask<T>(service: Service, method: string, request: object): Promise<T> {
	return new Promise((resolve, reject) => {
		service.call(method, request, metadata, (error: Error | null, answer: T) => {
			if (error === null) resolve(answer);
			else reject(error);
		});
	});
}

/** Waits until an event has come. */
async function heard(topic: string): Promise<void> {
	while (!topics.has(topic)) await once(subscription, "data");
}

async function keep(source: AsyncIterable<Uint8Array>): Promise<string> {
	const call = content.call<ClientDuplexStream<object, Written>>("Write", metadata);
	let offset = 0;
	for await (const data of source) {
		call.write({ action: WRITE, ref: "input", offset, data });
		// Its answer says how far it has come: who waits for that needs no memory for the rest.
		({ offset } = (await once(call, "data"))[0] as Written);
	}
	call.write({ action: COMMIT, ref: "input", offset });
	const [{ digest }] = (await once(call, "data")) as [Written];
	call.end();
	return digest;
}

const answer = await ask<{ version: string }>(version, "Version", {});
console.error(`containerd ${answer.version}`);
const subscription = events.call<ClientReadableStream<{ topic: string }>>("Subscribe", {});
const topics = new Set<string>();
subscription.on("data", ({ topic }) => {
	console.error(`event ${topic}`);
	topics.add(topic);
});
subscription.on("error", () => undefined);
await ask(namespaces, "Create", { namespace: { name: NAMESPACE } });
await heard("/namespaces/create");

const digest = await keep(process.stdin);
console.error(`kept as ${digest}`);
const reading = content.call<ClientReadableStream<{ data: Buffer }>>("Read", { digest }, metadata);
for await (const { data } of reading) process.stdout.write(data as Uint8Array);

await ask(content, "Delete", { digest });
await heard("/content/delete");
await ask(namespaces, "Delete", { name: NAMESPACE });
await heard("/namespaces/delete");
subscription.cancel();
for (const service of [version, namespaces, content, events]) service.close();
