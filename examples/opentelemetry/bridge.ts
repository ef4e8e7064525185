/**
 * The sockets of a process as metrics and spans of OpenTelemetry: from the channels `socketry:...` to whatever meter and tracer it is given.
 *
 *     const stop = bridge(metrics.getMeter("socketry"), trace.getTracer("socketry"));
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
	type Attributes,
	type Meter,
	SpanKind,
	SpanStatusCode,
	type Tracer,
} from "@opentelemetry/api";
import { type ClosedEvent, formatAddress, type SocketryEvents } from "socketry";

type Name = keyof SocketryEvents;

/** Instruments in OpenTelemetry's manner: seconds, bytes as `By`, `{things}` counted. */
function instruments(meter: Meter) {
	return {
		open: meter.createUpDownCounter("socketry.open", { unit: "{socket}" }),
		connecting: meter.createHistogram("socketry.connect.duration", { unit: "s" }),
		accepted: meter.createCounter("socketry.accepted", { unit: "{connection}" }),
		errors: meter.createCounter("socketry.errors", { unit: "{error}" }),
		dropped: meter.createCounter("socketry.dropped"),
		io: meter.createCounter("socketry.io", { unit: "By" }),
		roundTrip: meter.createHistogram("socketry.tcp.rtt", { unit: "s" }),
		retransmitted: meter.createCounter("socketry.tcp.retransmitted", { unit: "{segment}" }),
	};
}

/** Observes every socket opened from now on, until the function returned is called. */
export function bridge(meter: Meter, tracer: Tracer): () => void {
	const to = instruments(meter);
	// A socket that was opened before is not counted when it closes either.
	const counted = new WeakSet<object>();
	const stops: (() => void)[] = [];
	const on = <N extends Name>(name: N, note: (event: SocketryEvents[N]) => void): void => {
		const listener = (event: unknown): void => note(event as SocketryEvents[N]);
		subscribe(name, listener);
		stops.push(() => unsubscribe(name, listener));
	};

	on("socketry:opened", ({ kind, transport, source }) => {
		counted.add(source);
		to.open.add(1, { kind, transport });
	});
	on("socketry:connected", ({ kind, transport, source, address, durationMs }) => {
		to.connecting.record(durationMs / 1_000, { kind, transport });
		// Events come in the context of the call: the span has the caller's as its parent.
		const asked = formatAddress(address);
		const attributes = { transport, asked, peer: formatAddress(source.peer) };
		startConnect(tracer, attributes, durationMs).end();
	});
	on("socketry:accepted", ({ kind, transport }) => to.accepted.add(1, { kind, transport }));
	on("socketry:error", (event) => {
		const { kind, transport, operation, error } = event;
		const attributes = { kind, transport, operation, "error.type": codeOf(error) };
		to.errors.add(1, attributes);
		if (event.operation !== "connect") return;
		to.connecting.record(event.durationMs / 1_000, {
			kind,
			transport,
			"error.type": codeOf(error),
		});
		const asked = formatAddress(event.address);
		const span = startConnect(tracer, { transport, asked }, event.durationMs);
		span.recordException(error);
		span.setStatus({ code: SpanStatusCode.ERROR, message: error.message }).end();
	});
	on("socketry:dropped", ({ kind, transport, what, count }) => {
		to.dropped.add(count, { kind, transport, what });
	});
	on("socketry:closed", (event) => {
		const { kind, transport, source } = event;
		if (counted.delete(source)) to.open.add(-1, { kind, transport });
		const [received, sent] = bytesOf(event);
		to.io.add(received, { kind, transport, direction: "receive" });
		to.io.add(sent, { kind, transport, direction: "send" });
		const tcp = event.stats.kind === "stream" ? event.stats.tcp : undefined;
		if (tcp === undefined) return;
		to.roundTrip.record(tcp.rttUs / 1_000_000);
		to.retransmitted.add(tcp.totalRetrans);
	});
	return () => {
		for (const stop of stops.splice(0)) stop();
	};
}

function startConnect(tracer: Tracer, attributes: Attributes, durationMs: number) {
	const startTime = Date.now() - durationMs;
	return tracer.startSpan("connect", { kind: SpanKind.CLIENT, startTime, attributes });
}

function bytesOf({ stats }: ClosedEvent): [received: number, sent: number] {
	switch (stats.kind) {
		case "stream":
			return [stats.bytesRead, stats.bytesWritten - stats.queuedBytes];
		case "packets":
		case "datagrams":
			return [stats.receivedBytes, stats.sentBytes];
		default:
			return [0, 0];
	}
}

function codeOf(error: Error): string {
	return (error as { code?: string }).code ?? error.name;
}
