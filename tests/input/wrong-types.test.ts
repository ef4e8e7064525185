/** What opens sockets, and its options, with values of wrong types. */
import { test } from "node:test";
import {
	connect,
	datagrams,
	formatAddress,
	listen,
	parseAddress,
	sameAddress,
	socketpair,
} from "socketry";
import { socketpair as rawPair, Socket, socket } from "socketry/socket";
import { assertRefuses } from "../support/refusals.ts";
import { type Call, type Kind, refuseAll } from "./wrong-values.ts";

test("what opens sockets refuses wrong types", async () => {
	await refuseAll([
		["connect", "address", (value) => connect(value)],
		["listen", "address", (value) => listen(value)],
		["datagrams", "address", (value) => datagrams(value)],
		["parseAddress", "address", (value) => parseAddress(value)],
		["formatAddress", "address", (value) => formatAddress(value)],
		["sameAddress, left", "address", (value) => sameAddress(value, "tcp://127.0.0.1:1")],
		["sameAddress, right", "address", (value) => sameAddress("tcp://127.0.0.1:1", value)],
		["socketpair", "choice", (value) => socketpair(value)],
		["Socket.fromFd", "integer", (value) => Socket.fromFd(value)],
		["socket, family", "choice", (value) => socket(value, "stream")],
		["socket, type", "choice", (value) => socket("inet", value)],
		["socket, protocol", "integer", (value) => socket("inet", "stream", value)],
		["socketpair of Socket", "choice", (value) => rawPair(value)],
	]);
});

test("a required argument that is missing is refused", async () => {
	const missing = undefined as never;
	const code = "ERR_INVALID_ARG_TYPE";
	await assertRefuses(() => connect(missing), { code });
	await assertRefuses(() => listen(missing), { code });
	await assertRefuses(() => parseAddress(missing), { code });
	await assertRefuses(() => formatAddress(missing), { code });
	await assertRefuses(() => Socket.fromFd(missing), { code });
	await assertRefuses(() => sameAddress(missing, missing), { code });
	await assertRefuses(() => socket(missing, "stream"), { code });
	await assertRefuses(() => socket("unix", missing), { code });
});

const OPTION_KINDS: Readonly<Record<string, Kind>> = {
	attemptDelayMs: "count",
	busyPollUs: "count",
	keepAlive: "object",
	localAddress: "address",
	noDelay: "boolean",
	prepare: "function",
	protocol: "count",
	resolver: "function",
	signal: "signal",
	timeoutMs: "count",
};

const LISTEN_KINDS: Readonly<Record<string, Kind>> = {
	backlog: "count",
	busyPollUs: "count",
	ipv6Only: "boolean",
	keepAlive: "object",
	mode: "count",
	noDelay: "boolean",
	onOverload: "function",
	onStale: "choice",
	prepare: "function",
	protocol: "count",
	resolver: "function",
	reusePort: "boolean",
	signal: "signal",
};

const DATAGRAM_KINDS: Readonly<Record<string, Kind>> = {
	broadcast: "boolean",
	busyPollUs: "count",
	connect: "address",
	details: "object",
	ipv6Only: "boolean",
	mode: "count",
	mtuDiscovery: "choice",
	onNetworkError: "function",
	onStale: "choice",
	prepare: "function",
	receiveBufferBytes: "count",
	resolver: "function",
	reuseAddress: "boolean",
	reusePort: "boolean",
	sendBufferBytes: "count",
	signal: "signal",
};

test("every option of connect, listen and datagrams refuses wrong types, for every transport", async () => {
	const nobody = ["tcp://127.0.0.1:1", "unix:/nonexistent/socket", "unix-seqpacket:@nobody"];
	const calls: Call[] = [
		["connect", "options", (value) => connect("tcp://127.0.0.1:1", value)],
		["listen", "options", (value) => listen("tcp://127.0.0.1:0", value)],
		["datagrams", "options", (value) => datagrams("udp://127.0.0.1:0", value)],
	];
	for (const [name, kind] of Object.entries(OPTION_KINDS)) {
		for (const to of nobody) {
			calls.push([`connect ${to} ${name}`, kind, (value) => connect(to, { [name]: value })]);
		}
	}
	for (const [name, kind] of Object.entries(LISTEN_KINDS)) {
		for (const on of ["tcp://127.0.0.1:0", "unix:/nonexistent/socket"]) {
			calls.push([`listen ${on} ${name}`, kind, (value) => listen(on, { [name]: value })]);
		}
	}
	for (const [name, kind] of Object.entries(DATAGRAM_KINDS)) {
		const on = "udp://127.0.0.1:0";
		calls.push([`datagrams ${on} ${name}`, kind, (value) => datagrams(on, { [name]: value })]);
	}
	await refuseAll(calls);
});
