/** Moves bytes by blocking calls alone while signals rain on the thread. Arguments: the abstract name of the server, how many bytes. */
import { createHash } from "node:crypto";
import { socket } from "socketry/socket";

const [abstract = "", bytes = "0"] = process.argv.slice(2);
const total = Number(bytes);

let signals = 0;
process.on("SIGUSR1", () => {
	signals++;
});
console.log("ready");

const client = socket("unix", "stream");
client.connectSync({ family: "unix", abstract });
const sent = createHash("sha256");
const received = createHash("sha256");
const piece = Buffer.alloc(300_000);
const room = Buffer.alloc(100_000);
for (let moved = 0, round = 0; moved < total; round++) {
	const length = Math.min(1 + ((round * 7_919) % piece.length), total - moved);
	for (let i = 0; i < length; i += 64) piece[i] = (round + i) & 0xff;
	sent.update(piece.subarray(0, length));
	let back = 0;
	for (let out = 0; back < length; ) {
		if (out < length) out += client.sendSync(piece.subarray(out, length), { spinUs: round % 2 });
		const answer = client.tryRecv(room) ?? (out === length ? client.recvSync(room) : 0);
		received.update(room.subarray(0, answer));
		back += answer;
	}
	moved += length;
}
client.shutdown("write");
if (client.recvSync(room) !== 0) throw new Error("more came than was sent");
client.close();
// The handler runs only now that the thread is back in its event loop.
while (signals === 0) await new Promise((resolve) => setImmediate(resolve));
console.log(sent.digest("hex") === received.digest("hex") ? "equal" : "different");
process.exit();
