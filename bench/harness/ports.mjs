// Ports for programs that cannot tell which one they got.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const LOOK_EVERY_MS = 10;
const TCP_LISTEN = "0A";

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(scheme) {
	const socket = scheme === "udp" ? createSocket("udp4") : createServer();
	if (scheme === "udp") socket.bind(0, "127.0.0.1");
	else socket.listen(0, "127.0.0.1");
	await once(socket, "listening");
	const { port } = socket.address();
	const closed = once(socket, "close");
	socket.close();
	await closed;
	return port;
}

/** Waits until somebody listens, without a connection, which a relay would pass on; false when the time is up. */
export async function untilListening(scheme, port, limitMs) {
	const end = performance.now() + limitMs;
	while (performance.now() < end) {
		if (isListening(scheme, port)) return true;
		await pause(LOOK_EVERY_MS);
	}
	return false;
}

function isListening(scheme, port) {
	const ending = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
	const rows = readFileSync(`/proc/net/${scheme}`, "latin1").trim().split("\n").slice(1);
	return rows.some((row) => {
		const [, local, , state] = row.trim().split(/\s+/);
		return local.endsWith(ending) && (scheme === "udp" || state === TCP_LISTEN);
	});
}
