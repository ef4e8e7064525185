// The relays: how each is told to listen at one address and to connect to another.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installed } from "./installed.mjs";
import { UnavailableError } from "./unavailable.mjs";

const RECEIVE_BUFFER_BYTES = 4 << 20;
const CONNECTIONS_MAX = 4000;
// A process of socat's for a peer of datagrams has no other end than silence.
const SILENCE_MAX_S = 5;
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const piping = fileURLToPath(new URL("../subjects/relay.mjs", import.meta.url));

/** The command of each subject's relay, given where to listen, where to connect to, and a directory for its files. */
export const relays = {
	socat,
	haproxy: (...places) => haproxy(SPLICING, ...places),
	"haproxy-copy": (...places) => haproxy(COPYING, ...places),
	node,
	socketry,
};

// HAProxy's own judgement, splice-auto, hardly ever splices here, and is slower than either.
const SPLICING = {
	global: " tune.pipesize 262144",
	defaults: " option splice-request\n option splice-response",
};
const COPYING = { global: " tune.bufsize 65536", defaults: "" };

function socat(from, to) {
	const { scheme, host, port } = inet(from);
	const options = `${port},bind=${host},fork,reuseaddr`;
	const target = to.startsWith("unix:") ? `UNIX-CONNECT:${pathOf(to)}` : `${scheme}:${placeOf(to)}`;
	const command = [installed("socat"), "-b65536"];
	if (scheme === "TCP") return [...command, `TCP-LISTEN:${options},backlog=4096`, target];
	const listen = `UDP-LISTEN:${options},rcvbuf=${RECEIVE_BUFFER_BYTES}`;
	return [...command, `-T${SILENCE_MAX_S}`, listen, target];
}

function haproxy(settings, from, to, directory) {
	const config = join(directory, "haproxy.cfg");
	const target = to.startsWith("unix:") ? `unix@${pathOf(to)}` : placeOf(to);
	writeFileSync(config, haproxyConfig(settings, placeOf(from), target));
	return [installed("haproxy"), "-q", "-db", "-f", config];
}

function haproxyConfig(settings, from, to) {
	return `global
 maxconn ${CONNECTIONS_MAX}
${settings.global}
defaults
 mode tcp
${settings.defaults}
 timeout connect 5s
 timeout client 60s
 timeout server 60s
listen relay
 bind ${from} backlog 4096
 server one ${to}
`;
}

function node(from, to) {
	return [process.execPath, piping, from, to];
}

function socketry(from, to) {
	if (!existsSync(main)) throw new UnavailableError("the library is not built: npm run build");
	return [process.execPath, main, "relay", from, to, "--max", String(CONNECTIONS_MAX), "--quiet"];
}

function inet(address) {
	const [, scheme, host, port] = /^(tcp|udp):\/\/([^:]+):(\d+)$/.exec(address);
	return { scheme: scheme.toUpperCase(), host, port };
}

function placeOf(address) {
	const { host, port } = inet(address);
	return `${host}:${port}`;
}

function pathOf(address) {
	return address.slice("unix:".length);
}
