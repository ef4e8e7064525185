// Who plays: one entry a subject, with the cases it can play and how it is started.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildNative } from "./native.mjs";
import { bunProgram, denoProgram } from "./rivals.mjs";
import { UnavailableError } from "./unavailable.mjs";

const STREAMS = ["unix-stream", "tcp"];
const PACKETS = ["unix-dgram", "unix-seqpacket"];
const EVERY_KIND = [
	"pingpong",
	"pingpong-2cpu",
	"bulk",
	"smallwrites",
	"accept",
	"idle",
	"datagrams",
];
const CONVERSATIONS = ["pingpong", "pingpong-2cpu", "bulk", "smallwrites", "accept"];
const RIVAL_TRANSPORTS = [...STREAMS, "udp", "udp-many-peers"];
const RELAYS = ["tcp-tcp", "tcp-unix", "tcp-tcp-1000"];
const ALL_TRANSPORTS = [...RIVAL_TRANSPORTS, ...PACKETS];

/** All subjects, in the order of the tables. */
export const subjects = [
	native("c-epoll", "epoll", [...CONVERSATIONS, "idle"], ALL_TRANSPORTS),
	native("c-blocking", "blocking", CONVERSATIONS, ALL_TRANSPORTS),
	native("c-busy", "blocking", ["pingpong-2cpu"], STREAMS, { spin: 1 }),
	native("c-stdio", "blocking", ["smallwrites"], STREAMS, { stdio: 1 }),
	native("c-sendmmsg", "sendmmsg", ["datagrams"], ALL_TRANSPORTS),
	native("c-gso", "gso", ["datagrams"], ["udp"]),
	relay("direct", [...RELAYS, "udp"]),
	relay("socat", [...RELAYS, "memory", "udp"]),
	relay("haproxy", [...RELAYS, "memory"]),
	relay("haproxy-copy", [...RELAYS, "memory"]),
	script("node", [...EVERY_KIND, "relay"], [...RIVAL_TRANSPORTS, ...RELAYS, "memory"]),
	{ name: "bun", kinds: EVERY_KIND, transports: RIVAL_TRANSPORTS, params: {}, command: bunCommand },
	{
		name: "deno",
		kinds: CONVERSATIONS.filter((kind) => kind !== "accept").concat("datagrams"),
		transports: [...RIVAL_TRANSPORTS, "unix-dgram"],
		params: {},
		command: denoCommand,
	},
	library("socketry", [...EVERY_KIND, "relay", "import"], "index.js", [...RELAYS, "memory"]),
	library("socketry-sync", CONVERSATIONS, "socket/index.js"),
	library("socketry-batch", ["datagrams"], "index.js"),
	variant("socketry-busy", "socketry", ["pingpong-2cpu"], { busyPollUs: 500 }),
];

/** Whether a subject can play a case at all; a rival without Unix datagrams, say, cannot. */
export function plays(subject, { kind, transport }) {
	if (!subject.kinds.includes(kind)) return false;
	return transport === undefined || subject.transports.includes(transport);
}

function native(name, engine, kinds, transports, params = {}) {
	return { name, kinds, transports, params, command: async () => [await buildNative(), engine] };
}

// Started by relays.mjs.
function relay(name, transports) {
	return { name, kinds: ["relay"], transports, params: {} };
}

function script(name, kinds, transports) {
	const command = async () => [process.execPath, "--expose-gc", subjectFile(name)];
	return { name, kinds, transports, params: {}, command };
}

// Plays only when the compiled library has the entry point that it imports.
function library(name, kinds, entry, more = []) {
	const subject = script(name, kinds, [...ALL_TRANSPORTS, ...more]);
	const built = fileURLToPath(new URL(`../../dist/${entry}`, import.meta.url));
	async function command() {
		if (!existsSync(built)) throw new UnavailableError("the library is not built: npm run build");
		return subject.command();
	}
	return { ...subject, command };
}

// Another subject's program with other parameters.
function variant(name, original, kinds, params) {
	const { command } = library(original, kinds, "index.js");
	return { name, kinds, transports: STREAMS, params, command };
}

async function bunCommand() {
	return [await bunProgram(), subjectFile("bun")];
}

// Unix sockets of datagrams are behind a flag.
async function denoCommand() {
	return [await denoProgram(), "run", "--allow-all", "--unstable-net", subjectFile("deno")];
}

function subjectFile(name) {
	return fileURLToPath(new URL(`../subjects/${name}.mjs`, import.meta.url));
}
