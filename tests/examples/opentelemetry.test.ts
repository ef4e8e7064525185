import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import {
	type Attributes,
	createNoopMeter,
	type Span,
	type SpanOptions,
	type Tracer,
	trace,
} from "@opentelemetry/api";
import { connect, listen, socketpair } from "socketry";
import { startChild } from "../support/children.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { example, stop } from "../support/programs.ts";

interface Bridge {
	bridge(meter: object, tracer: object): () => void;
}

interface Measured {
	readonly name: string;
	readonly value: number;
	readonly attributes: Attributes;
}

/** A meter that keeps what is recorded. */
function recordingMeter(): { meter: object; measured: Measured[] } {
	const measured: Measured[] = [];
	const instrument = (name: string) => {
		const keep = (value: number, attributes: Attributes = {}): void => {
			measured.push({ name, value, attributes });
		};
		return { add: keep, record: keep };
	};
	const made = {
		createCounter: instrument,
		createHistogram: instrument,
		createUpDownCounter: instrument,
	};
	return { meter: Object.assign(createNoopMeter(), made), measured };
}

const contexts = new AsyncLocalStorage<string>();

interface Ended {
	readonly name: string;
	readonly options: SpanOptions | undefined;
	readonly context: string | undefined;
	exception?: unknown;
}

/** A tracer that keeps the spans that have ended. */
function recordingTracer(): { tracer: object; ended: Ended[] } {
	const ended: Ended[] = [];
	const startSpan: Tracer["startSpan"] = (name, options) => {
		const told: Ended = { name, options, context: contexts.getStore() };
		const span = trace.wrapSpanContext({ traceId: "", spanId: "", traceFlags: 0 });
		return Object.assign(span, {
			recordException: (exception: unknown) => {
				told.exception = exception;
			},
			setStatus: (): Span => span,
			end: () => {
				ended.push(told);
			},
		});
	};
	return { tracer: { startSpan }, ended };
}

test("the bridge makes metrics of every socket's life, and a span of each connect in its caller's context", async () => {
	const { bridge } = (await import(example("opentelemetry/bridge.ts").href)) as Bridge;
	const { meter, measured } = recordingMeter();
	const { tracer, ended } = recordingTracer();
	const stopObserving = bridge(meter, tracer);
	const sum = (name: string, wanted: Attributes = {}): number =>
		measured
			.filter((each) => each.name === name && includes(each.attributes, wanted))
			.reduce((total, { value }) => total + value, 0);

	// Once it is closed nobody else listens there.
	const listener = await listen(`tcp://${ownLoopbackHosts()[0]}:0`);
	const address = listener.address;
	const accepting = listener.accept();
	const client = await contexts.run("a request", () => connect(address));
	const server = await accepting;
	assert.equal(sum("socketry.open", { transport: "tcp" }), 3);
	await client.write("hello");
	await server.readExactly(5);
	await Promise.all([client.close(), server.close()]);
	listener.close();
	await contexts.run("another", () => assert.rejects(connect(address), { code: "ECONNREFUSED" }));
	const [left, right] = socketpair("seqpacket");
	await left.send("x", { descriptors: [0] });
	await right.receive();
	left.abort();
	right.abort();
	stopObserving();
	socketpair().map((end) => end.abort());

	assert.equal(sum("socketry.open"), 0);
	assert.equal(sum("socketry.accepted", { transport: "tcp" }), 1);
	assert.equal(sum("socketry.io", { transport: "tcp", direction: "receive" }), 5);
	assert.equal(sum("socketry.io", { transport: "tcp", direction: "send" }), 5);
	assert.equal(sum("socketry.io", { kind: "packets", direction: "send" }), 1);
	assert.equal(sum("socketry.errors", { operation: "connect", "error.type": "ECONNREFUSED" }), 1);
	assert.equal(sum("socketry.dropped", { what: "descriptors" }), 1);
	assert(sum("socketry.tcp.rtt") > 0);
	assert(sum("socketry.connect.duration") > 0);
	assert.deepEqual(
		ended.map(({ name, context, options }) => [name, context, options?.attributes?.["asked"]]),
		[
			["connect", "a request", `tcp://${address.host}:${address.port}`],
			["connect", "another", `tcp://${address.host}:${address.port}`],
		],
	);
	const exceptions = ended.map(
		({ exception }) => (exception as { code?: string } | undefined)?.code,
	);
	assert.deepEqual(exceptions, [undefined, "ECONNREFUSED"]);
});

test("the observed server runs without an SDK", async (t) => {
	const server = startChild(example("opentelemetry/serve.ts"), { args: ["tcp://127.0.0.1:0"] });
	t.after(() => stop(server));
	const client = await connect((await server.line()) as `tcp:${string}`);
	await client.write("hello");
	assert.equal(String(await client.readExactly(5)), "hello");
	await client.close();
});

function includes(attributes: Attributes, wanted: Attributes): boolean {
	return Object.entries(wanted).every(([name, value]) => attributes[name] === value);
}
