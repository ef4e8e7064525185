/** Every wait takes a time limit and an AbortSignal. What was cancelled has taken nothing, and the stream stays usable. */
import { AbortError, socketpair, TimeoutError } from "socketry";

const [left, right] = socketpair();

try {
	await right.read({ timeoutMs: 20 });
} catch (error) {
	if (!(error instanceof TimeoutError)) throw error;
	console.log(error.code, error.bytesMoved);
}

const controller = new AbortController();
const reading = right.readExactly(10, { signal: controller.signal });
await left.write("01234");
setImmediate(() => controller.abort("changed my mind"));
try {
	await reading;
} catch (error) {
	if (!(error instanceof AbortError)) throw error;
	console.log(error.code, error.cause);
}

await left.write("56789");
console.log(String(await right.readExactly(10, { timeoutMs: 5000 }))); // the first half was not lost
await Promise.all([left.close(), right.close()]);
