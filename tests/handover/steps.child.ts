/**
 * One side of a hand-over, word by word, that kills itself after so many steps: `new POST PATIENT` or `old POST PATIENT SOCKET`.
 */
import { lstatSync } from "node:fs";
import { connect, listen, type PacketStream } from "socketry";
import type { FileRecord } from "#src/handover/protocol.ts";
import { Wire } from "#src/handover/wire.ts";
import { PATIENT } from "../support/patience.ts";

const [side = "", post = "", last = "0", path = ""] = process.argv.slice(2);
const place = post as `unix-seqpacket:${string}`;
let step = 0;

/** Ends this process without a chance to clean up, when it is its turn. */
function after(what: string): void {
	if (++step < Number(last)) return;
	console.log(`killed after ${what}`);
	process.kill(process.pid, "SIGKILL");
}

if (side === "new") await beNew();
else await beOld();
console.log("over");

async function beNew(): Promise<void> {
	const wire = new Wire(await connect(place, { receiveDescriptors: true }));
	after("connecting");
	await wire.send({ kind: "hello", protocols: [1], pid: process.pid });
	after("hello");
	const { message } = await wire.expect(["welcome"], PATIENT);
	after("welcome");
	for (let i = 0; i < message.socketCount; i++) {
		await wire.expect(["socket"], PATIENT);
		after(`socket ${i + 1}`);
	}
	await wire.expectBytes(message.stateBytes, PATIENT);
	after("the state");
	await wire.send({ kind: "ready" });
	after("ready");
	await wire.expect(["yours"], PATIENT);
	after("yours");
	await wire.send({ kind: "mine", takesConnections: false });
	after("mine");
}

async function beOld(): Promise<void> {
	const door = await listen(place, { mode: 0o600, receiveDescriptors: true });
	const first = await listen(`unix:${path}`);
	const second = await listen("tcp://127.0.0.1:0");
	console.log("listens");
	const wire = new Wire((await door.accept()) as PacketStream);
	after("accepting");
	await wire.expect(["hello"], PATIENT);
	after("hello");
	const state = Buffer.from("state");
	await wire.send(
		{
			kind: "welcome",
			protocol: 1,
			pid: process.pid,
			socketCount: 2,
			stateBytes: state.length,
			file: fileAt(place.slice(place.indexOf(":") + 1)),
		},
		door.socket.fd,
	);
	after("welcome");
	await wire.send(
		{ kind: "socket", name: "local", asked: `unix:${path}`, file: fileAt(path) },
		first.socket.fd,
	);
	after("one of two sockets");
	await wire.send(
		{ kind: "socket", name: "web", asked: "tcp://127.0.0.1:0", file: null },
		second.socket.fd,
	);
	after("both sockets");
	await wire.sendBytes(state);
	after("the state");
	await wire.expect(["ready"], PATIENT);
	after("ready");
	await wire.send({ kind: "yours" });
	after("yours");
	await wire.expect(["mine"], PATIENT);
	after("mine");
}

function fileAt(file: string): FileRecord {
	const { dev, ino } = lstatSync(file, { bigint: true });
	return { path: file, dev: `${dev}`, ino: `${ino}` };
}
