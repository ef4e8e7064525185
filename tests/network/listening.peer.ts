/** Receives so many bytes at least, and what comes within half a second after that, then prints how many it was: ADDRESS BYTES. */
import { datagrams } from "socketry";

const QUIET_MS = 500;
const [address = "", expected = ""] = process.argv.slice(2);
const socket = await datagrams(`udp://${address}`);
console.log("ready");
let total = 0;
while (total < Number(expected)) total += (await socket.receive()).bytes;
try {
	for (;;) total += (await socket.receive({ timeoutMs: QUIET_MS })).bytes;
} catch {
	console.log(total);
}
await socket.close();
