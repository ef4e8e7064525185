/** Receives until nothing has come for half a second after the first datagram, then prints how many bytes it was: ADDRESS. */
import { datagrams } from "socketry";

const QUIET_MS = 500;
const socket = await datagrams(`udp://${process.argv[2]}`);
console.log("ready");
let total = (await socket.receive()).bytes;
try {
	for (;;) total += (await socket.receive({ timeoutMs: QUIET_MS })).bytes;
} catch {
	console.log(total);
}
await socket.close();
