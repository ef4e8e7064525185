/**
 * Passes datagrams on, as they are, and measures the RTP streams among them. Prints what it measured when it is interrupted.
 *
 *     node examples/media-relay/relay.ts udp://127.0.0.1:5004 udp://127.0.0.1:6004
 *     ffmpeg -re -f lavfi -i testsrc -f rtp_mpegts rtp://127.0.0.1:5004
 *     ffplay rtp://127.0.0.1:6004
 */
import { datagrams } from "socketry";
import { RtpMeter, readRtpHeader } from "./rtp-meter.ts";

/** Streams that are measured: whoever invents streams shall not fill the memory. */
const STREAMS_MAX = 64;

const [from = "udp://127.0.0.1:0", to = "udp://127.0.0.1:6004"] = process.argv.slice(2);
// The kernel's clock tells when a datagram came, not when this program got round to it.
const socket = await datagrams(from, {
	details: { timestamp: true },
	receiveBufferBytes: 4_194_304,
	onFull: "drop",
});
const meters = new Map<number, RtpMeter>();
process.once("SIGINT", () => void socket.close());
process.once("SIGTERM", () => void socket.close());
console.log(`relaying from port ${(socket.address as { port: number }).port} to ${to}`);

for await (const { data, timestampNs = 0n } of socket) {
	// What one datagram runs into is no reason to drop the next.
	await socket.send(data, to).catch(() => undefined);
	const header = readRtpHeader(data);
	if (header === undefined) continue;
	let meter = meters.get(header.source);
	if (meter === undefined) {
		if (meters.size === STREAMS_MAX) continue;
		meter = new RtpMeter();
		meters.set(header.source, meter);
	}
	meter.add(header, timestampNs);
}
const { receivedCount: received, sentCount: sent, droppedCount: dropped } = socket;
const streams = [...meters].map(([source, meter]) => ({ source, ...meter.report() }));
console.log(JSON.stringify({ received, sent, dropped, streams }));
