/**
 * Passes datagrams on, as they are, and measures the media among them: RTP, and MPEG-TS without it. Prints what it measured when it is interrupted.
 *
 *     node examples/media-relay/relay.ts udp://127.0.0.1:5004 udp://127.0.0.1:6004
 *     ffmpeg -re -f lavfi -i testsrc -f rtp_mpegts rtp://127.0.0.1:5004
 *     ffplay rtp://127.0.0.1:6004
 *
 * or without RTP: `-f mpegts udp://127.0.0.1:5004?pkt_size=1316`, and `ffplay udp://127.0.0.1:6004`
 */
import { datagrams, formatAddress } from "socketry";
import { RtpMeter, readRtpHeader } from "./rtp-meter.ts";
import { isTransportStream, TsMeter } from "./ts-meter.ts";

/** Streams of each kind that are measured: whoever invents streams shall not fill the memory. */
const STREAMS_MAX = 64;

const [here = "udp://127.0.0.1:0", to = "udp://127.0.0.1:6004"] = process.argv.slice(2);
// The kernel's clock tells when a datagram came, not when this program got round to it.
const socket = await datagrams(here, {
	details: { timestamp: true },
	receiveBufferBytes: 4_194_304,
	onFull: "drop",
});
const rtp = new Map<number, RtpMeter>();
const transport = new Map<string, TsMeter>();
process.once("SIGINT", () => void socket.close());
process.once("SIGTERM", () => void socket.close());
console.log(`relaying from ${formatAddress(socket.address)} to ${to}`);

for await (const { data, from, timestampNs = 0n } of socket) {
	// What one datagram runs into is no reason to drop the next.
	await socket.send(data, to).catch(() => undefined);
	const header = readRtpHeader(data);
	if (header !== undefined) {
		meterOf(rtp, header.source, () => new RtpMeter())?.add(header, timestampNs);
	} else if (isTransportStream(data)) {
		meterOf(transport, formatAddress(from), () => new TsMeter())?.add(data, timestampNs);
	}
}
const { receivedCount: received, sentCount: sent, droppedCount: dropped } = socket;
const streams = [...rtp].map(([source, meter]) => ({ source, ...meter.report() }));
const transports = [...transport].map(([sender, meter]) => ({ sender, ...meter.report() }));
console.log(JSON.stringify({ received, sent, dropped, streams, transports }));

function meterOf<K, T>(meters: Map<K, T>, key: K, make: () => T): T | undefined {
	let meter = meters.get(key);
	if (meter === undefined && meters.size < STREAMS_MAX) {
		meter = make();
		meters.set(key, meter);
	}
	return meter;
}
