import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { example, freePort, lacking, lineLike, startPeer, stop } from "../support/programs.ts";

const FRAMES = 50;
const RTP_BYTES = 12;

interface Report {
	readonly received: number;
	readonly sent: number;
	readonly dropped: number;
	readonly streams: { received: number; lost: number; late: number; jitterMs: number }[];
	readonly transports: { packets: number; lost: number; frames: number; jitterMs: number }[];
}

/** A socket of Node's that remembers what comes and passes it on. */
interface Tap {
	readonly socket: Socket;
	readonly port: number;
	readonly seen: Buffer[];
}

async function openTap(target?: number): Promise<Tap> {
	const socket = createSocket({ type: "udp4", recvBufferSize: 4_194_304 });
	const seen: Buffer[] = [];
	socket.on("message", (data) => {
		seen.push(data);
		if (target !== undefined) socket.send(data, target, "127.0.0.1");
	});
	socket.bind(0, "127.0.0.1");
	await once(socket, "listening");
	return { socket, port: socket.address().port, seen };
}

async function startRelay(target: number): Promise<[Child, number]> {
	const args = ["udp://127.0.0.1:0", `udp://127.0.0.1:${target}`];
	const relay = startChild(example("media-relay/relay.ts"), { args });
	const [, port] = await lineLike(relay, /from udp:.*:(\d+) to/);
	return [relay, Number(port)];
}

async function reportOf(relay: Child): Promise<Report> {
	return JSON.parse((await stop(relay)).split("\n")[1] ?? "") as Report;
}

function digests(datagrams: readonly Uint8Array[]): string[] {
	return datagrams.map((data) => createHash("sha256").update(data).digest("hex"));
}

/** What ffmpeg says of each frame it decoded: its time, its size and its digest. */
function framesOf(output: string): string[] {
	return output.split("\n").filter((line) => /^\d/.test(line));
}

/** Programs that cannot say when they are ready have bound their port at least; the kernel lists it. */
async function bound(port: number): Promise<void> {
	const entry = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
	while (!readFileSync("/proc/net/udp", "utf8").includes(entry)) await setTimeout(10);
}

async function seen(tap: Tap, count: number): Promise<void> {
	while (tap.seen.length < count) await once(tap.socket, "message");
}

const ATTEMPTS = 10;
const QUIET = ["-nostdin", "-loglevel", "error"];

/** The arguments that make ffmpeg send more frames than are asked for, so that none of these waits for its end. */
function sender(format: string, url: string): string[] {
	const source = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"];
	const codec = ["-c:v", "mpeg2video", "-g", "10", "-b:v", "1M"];
	return [...QUIET, ...source, "-frames:v", `${FRAMES + 15}`, ...codec, "-f", format, url];
}

test("RTP of ffmpeg leaves the relay byte for byte as it came, and ffmpeg decodes every frame of it", {
	skip: lacking("ffmpeg"),
}, async () => {
	await inFolder(async (folder) => {
		// RTP takes the next port too, for its reports.
		const playerPort = await freePort(1);
		const after = await openTap(playerPort);
		const [relay, relayPort] = await startRelay(after.port);
		const before = await openTap(relayPort);
		const session = join(folder, "session.sdp");
		// Without it ffmpeg would find out the kind of media from the first datagram, and lose that.
		const lines = ["v=0", "s=test", "c=IN IP4 127.0.0.1", `m=video ${playerPort} RTP/AVP 33`];
		writeFileSync(session, `${lines.join("\n")}\n`);
		const toFrames = ["-map", "0:v", "-frames:v", `${FRAMES}`, "-f", "framemd5", "-"];
		const player = startPeer("ffmpeg", [
			...[...QUIET, "-protocol_whitelist", "file,udp,rtp", "-i", session],
			...toFrames,
		]);
		await bound(playerPort);
		const target = `rtp://127.0.0.1:${before.port}?pkt_size=1328`;
		const sending = startPeer("ffmpeg", sender("rtp_mpegts", target));
		const [sent, played] = await Promise.all([sending.ended, player.ended]);
		assert.equal(sent.code, 0, sent.stderr);
		assert.equal(played.code, 0, played.stderr);
		await seen(after, before.seen.length);
		const { received, dropped, streams } = await reportOf(relay);
		before.socket.close();
		after.socket.close();

		assert.deepEqual(digests(after.seen), digests(before.seen));
		const count = before.seen.length;
		assert.deepEqual(
			{ received, dropped, streams: streams.length },
			{ received: count, dropped: 0, streams: 1 },
		);
		const [{ jitterMs, ...stream }] = streams as [Report["streams"][0] & { source?: number }];
		delete stream.source;
		assert.deepEqual(stream, { received: count, lost: 0, late: 0 });
		assert.ok(jitterMs > 0);

		const file = join(folder, "sent.ts");
		writeFileSync(file, Buffer.concat(before.seen.map((data) => data.subarray(RTP_BYTES))));
		const direct = await startPeer("ffmpeg", [...QUIET, "-i", file, ...toFrames]).ended;
		assert.equal(framesOf(direct.stdout).length, FRAMES);
		assert.deepEqual(framesOf(played.stdout), framesOf(direct.stdout));
	});
});

test("MPEG-TS of ffmpeg reaches ffmpeg byte for byte through the relay", {
	skip: lacking("ffmpeg"),
}, async () => {
	await inFolder(async (folder) => {
		const playerPort = await freePort();
		const [relay, relayPort] = await startRelay(playerPort);
		const before = await openTap(relayPort);
		const file = join(folder, "received.ts");
		const url = `udp://127.0.0.1:${playerPort}?timeout=10000000`;
		const player = startPeer("ffmpeg", [
			...[...QUIET, "-f", "data", "-i", url, "-map", "0", "-c", "copy", "-f", "data", file],
		]);
		await bound(playerPort);
		const target = `udp://127.0.0.1:${before.port}?pkt_size=1316`;
		const sent = await startPeer("ffmpeg", sender("mpegts", target)).ended;
		assert.equal(sent.code, 0, sent.stderr);
		await player.ended;
		const { received, dropped, streams, transports } = await reportOf(relay);
		before.socket.close();
		assert.deepEqual(
			{ received, dropped, streams },
			{ received: before.seen.length, dropped: 0, streams: [] },
		);
		const [entered, left] = [Buffer.concat(before.seen), readFileSync(file)];
		assert.ok(entered.length > 50_000);
		assert.deepEqual([left.length, digests([left])], [entered.length, digests([entered])]);

		const toFrames = [...QUIET, "-i", file, "-map", "0:v", "-f", "framemd5", "-"];
		const decoded = await startPeer("ffmpeg", toFrames).ended;
		const frames = framesOf(decoded.stdout).length;
		assert.equal(frames, FRAMES + 15);
		assert.equal(transports.length, 1);
		const { packets, lost, jitterMs, ...counted } = transports[0] as Report["transports"][0];
		assert.deepEqual([packets, lost, counted.frames], [entered.length / 188, 0, frames]);
		// As much as the clock of the stream lets it be known; ffmpeg sends a picture at once, in several datagrams.
		assert.ok(jitterMs > 0 && jitterMs < 1_000, `${jitterMs}`);
	});
});

test("the relay tells of what was lost, came late and came unevenly, and of no more streams than it has room for", async () => {
	// They say that they were sent 100 and 50 ms apart, and come at once: unless somebody has to wait for a processor in the middle of it.
	const isPlausible = ([rtp, ts]: readonly [number, number]): boolean =>
		rtp > 50 && rtp < 200 && ts > 10 && ts < 80;
	let jitters = await jittersOfBurst();
	for (let again = 1; again < ATTEMPTS && !isPlausible(jitters); again++) {
		jitters = await jittersOfBurst();
	}
	assert.ok(isPlausible(jitters), jitters.join());
});

/** Sends all at once to a relay whose every count must be right. Returns the jitter that it tells of, by RTP and by MPEG-TS, in milliseconds. */
async function jittersOfBurst(): Promise<[number, number]> {
	const after = await openTap();
	const [relay, relayPort] = await startRelay(after.port);
	const socket = createSocket("udp4");
	const send = (sequence: number, timestamp: number, source: number): void => {
		const header = Buffer.alloc(RTP_BYTES + 100);
		header.writeUInt16BE(0x8021);
		header.writeUInt16BE(sequence % 65_536, 2);
		header.writeUInt32BE(timestamp, 4);
		header.writeUInt32BE(source, 8);
		socket.send(header, relayPort, "127.0.0.1");
	};
	// Across the end of the sequence numbers: 40 of 50 come, one of them after its successor.
	const sequences = Array.from({ length: 50 }, (_, i) => 65_510 + i).filter((n) => n % 5 !== 2);
	[sequences[3], sequences[4]] = [sequences[4] as number, sequences[3] as number];
	for (const [i, sequence] of sequences.entries()) send(sequence, i * 9_000, 1);
	// 40 ms of MPEG-TS in each datagram, 2 of 10 of which are missing: what is sent at once comes unevenly.
	for (const i of [0, 1, 2, 4, 5, 6, 8, 9]) {
		const packet = Buffer.alloc(188, 0xff);
		Buffer.from([0x47, 0x40, 0x11, 0x30 | i, 7, 0x10]).copy(packet);
		packet.writeUInt32BE(i * 1_800, 6);
		Buffer.from([0, 0, 0, 0, 1, 0xe0]).copy(packet, 10);
		socket.send(packet, relayPort, "127.0.0.1");
	}
	socket.send("no RTP", relayPort, "127.0.0.1");
	for (let source = 2; source <= 80; source++) send(1, 1, source);
	await seen(after, 40 + 8 + 1 + 79);
	socket.close();
	const { received, sent, streams, transports } = await reportOf(relay);
	after.socket.close();
	assert.deepEqual([received, sent, streams.length], [128, 128, 64]);
	const { lost, late, jitterMs } = streams[0] as Report["streams"][0];
	assert.deepEqual([lost, late], [10, 1]);
	const [transport] = transports as [Report["transports"][0] & { sender?: string }];
	const { packets, frames, ...measured } = transport;
	assert.deepEqual([transports.length, packets, measured.lost, frames], [1, 8, 2, 8]);
	return [jitterMs, measured.jitterMs];
}
