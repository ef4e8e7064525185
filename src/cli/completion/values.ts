/** What can be written in a place, by what it is. */
import { readFileSync } from "node:fs";
import type { Completes } from "../guide.ts";
import type { Candidate, Offer } from "./offer.ts";
import { socketFiles } from "./socket-files.ts";

/** Ways to write an address, for those who do not know yet. */
const FORMS: readonly Candidate[] = [
	{ value: "tcp://", about: "TCP: tcp://HOST:PORT" },
	{ value: "udp://", about: "UDP: udp://HOST:PORT" },
	{ value: "unix:", about: "a Unix socket: unix:PATH or unix:@NAME" },
	{ value: "unix-dgram:", about: "datagrams over Unix sockets" },
	{ value: "unix-seqpacket:", about: "messages over Unix sockets" },
	{ value: "vsock://", about: "a virtual machine: vsock://CID:PORT" },
	{ value: "fd:", about: "a descriptor that was inherited" },
	{ value: "systemd:", about: "a socket of a service manager" },
];
/** Those that others serve. */
const FORMS_TO_CONNECT: readonly Candidate[] = [
	...FORMS,
	{ value: "tcp+srv://_", about: "a service: tcp+srv://_SERVICE._tcp.DOMAIN" },
];
const PATH_LIKE = /^(?:[a-z-]+:)?(?:\.{1,2}\/|\/(?!\/))/;

/**
 * Finds what can be written.
 *
 * @param word what is there already
 * @param others words before it that are no options
 */
export async function valuesFor(
	completes: Completes,
	word: string,
	others: readonly string[],
): Promise<Offer> {
	if (typeof completes !== "string") return completes.map((value) => ({ value }));
	switch (completes) {
		case "file":
			return "file";
		case "user":
			return users();
		case "access":
			return [...named("user=", users()), ...named("group=", groups())];
		case "address-to-listen":
			return addressToListen(word);
		case "address-to-connect":
		case "address-of-server":
			return await addressToConnect(word, completes === "address-of-server");
		case "route":
			return await route(word, others);
		case "from-to":
			return others.length === 0 ? addressToListen(word) : await secondAddress(word, others);
		default: {
			const { liveValues } = await import("./live.ts");
			return await liveValues(completes, word);
		}
	}
}

function addressToListen(word: string): Offer {
	if (word.startsWith("~")) return "file";
	if (PATH_LIKE.test(word)) return socketFiles(word);
	return FORMS;
}

async function addressToConnect(word: string, isServer: boolean): Promise<Offer> {
	if (word.startsWith("~")) return "file";
	const { liveAddresses } = await import("./live.ts");
	const alive = await liveAddresses(word, isServer);
	if (alive.length > 0) return alive;
	return PATH_LIKE.test(word) ? socketFiles(word) : FORMS_TO_CONNECT;
}

async function secondAddress(word: string, others: readonly string[]): Promise<Offer> {
	return others.length === 1 ? await addressToConnect(word, false) : [];
}

// FROM TO, or several FROM=TO.
async function route(word: string, others: readonly string[]): Promise<Offer> {
	const from = word.slice(0, word.indexOf("=") + 1);
	if (from === "") {
		const isSecond = others.some((other) => !other.includes("="));
		return isSecond ? await secondAddress(word, others) : addressToListen(word);
	}
	const offer = await addressToConnect(word.slice(from.length), false);
	return typeof offer === "string" ? [] : named(from, offer);
}

function named(opening: string, candidates: readonly Candidate[]): Candidate[] {
	return candidates.map((candidate) => ({ ...candidate, value: `${opening}${candidate.value}` }));
}

function users(): Candidate[] {
	return namesOf("/etc/passwd");
}

function groups(): Candidate[] {
	return namesOf("/etc/group");
}

function namesOf(path: string): Candidate[] {
	try {
		const lines = readFileSync(path, "utf8").split("\n");
		return lines.map((line) => ({ value: line.split(":")[0] ?? "" })).filter(({ value }) => value);
	} catch {
		return [];
	}
}
