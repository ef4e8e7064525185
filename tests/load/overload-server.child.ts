/** Echoes on every connection and never closes one first, with few descriptors. Argument: the address. Tells of each overload, as JSON. */
import { type Listener, listen, type Stream } from "socketry";
import { echo } from "../support/echo.ts";

const [address = ""] = process.argv.slice(2);
const listener = (await listen(address, {
	onOverload: ({ code, refused }) => {
		const { acceptedCount, refusedCount } = listener;
		console.log(JSON.stringify({ code, refused, acceptedCount, refusedCount }));
	},
})) as Listener<Stream>;
console.log(JSON.stringify(listener.address));
for await (const stream of listener) void echo(stream);
