// The command line of every subject: server|client CASE ADDRESS PARAMS; one JSON line when ready, one at the end.

/**
 * Reads the task of this process.
 *
 * CASE is `kind/transport[/size]`; ADDRESS is written as in socketry (`tcp://127.0.0.1:0`, `unix:/path`);
 * PARAMS is flat JSON of numbers: warmUpMs, measureMs, size, connections, baseline, peers, receiveBuffer.
 */
export function readTask() {
	const [role, name, address, params] = process.argv.slice(2);
	const kind = name.split("/")[0].replace("-2cpu", "");
	const [, scheme, rest] = /^(tcp|udp|unix|unix-dgram|unix-seqpacket):(.*)$/.exec(address);
	const place = scheme.startsWith("unix") ? { path: rest } : inet(rest);
	return { role, kind, address, scheme, ...place, ...JSON.parse(params) };
}

function inet(rest) {
	const [, host, port] = /^\/\/([^:]+):(\d+)$/.exec(rest);
	return { host, port: Number(port) };
}

/** One of 1,000 peers: they are loopback addresses, all answered by the server's one wildcard socket. */
export function peerHost(index) {
	return `127.0.${(index + 1) >> 8}.${(index + 1) & 255}`;
}

/** Tells the runner where this server listens. */
export function announce(address) {
	process.stdout.write(`${JSON.stringify({ ready: address })}\n`);
}

/** Hands the figures to the runner and ends the process. */
export function report(figures) {
	process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}

/** Plays the handler that this process was started for. */
export async function play(handlers) {
	const task = readTask();
	const handler = handlers[`${task.role} ${task.kind}`];
	if (handler === undefined) throw new Error(`no handler for ${task.role} ${task.kind}`);
	await handler(task);
}
