/** What was probably meant by a text that is no address. */
import { nearest } from "../nearest.ts";
import { isNumber, PORT_MAX, UINT32_MAX } from "./address-object.ts";
import { normalizeHost } from "./host.ts";

// Of what is shown again: no characters that would have to be escaped, and short.
const SHOWABLE = /^[\w.:[\]%*@/+~-]{1,120}$/;
const URL_PORTS: Readonly<Record<string, string>> = {
	http: "80",
	ws: "80",
	https: "443",
	wss: "443",
};
const URL_WORDS =
	/^(?:https?|wss?|ftps?|ssh|rediss?|postgres(?:ql)?|mysql|mongodb|mqtts?|amqps?|tls|ssl):\/\//i;
// Of socat, ncat, Go, Docker and others.
const OTHER_WORDS: ReadonlyMap<string, string> = new Map(
	Object.entries({
		"tcp-listen": "tcp",
		"tcp-connect": "tcp",
		tcp4: "tcp",
		"tcp4-listen": "tcp",
		tcp6: "tcp",
		"tcp6-listen": "tcp",
		"udp-listen": "udp",
		"udp-recv": "udp",
		udp4: "udp",
		udp6: "udp",
		"unix-listen": "unix",
		"unix-connect": "unix",
		"unix-client": "unix",
		"unix-stream": "unix",
		local: "unix",
		file: "unix",
		abstract: "unix:@",
		"unix-abstract": "unix:@",
		"abstract-listen": "unix:@",
		"abstract-connect": "unix:@",
		unixgram: "unix-dgram",
		"unix-datagram": "unix-dgram",
		seqpacket: "unix-seqpacket",
		unixpacket: "unix-seqpacket",
		srv: "tcp+srv",
		"vsock-listen": "vsock",
		"vsock-connect": "vsock",
	}),
);

/**
 * Says what to write instead of a text that begins with no transport.
 *
 * @param words all transports
 * @returns undefined when nothing is likely
 */
export function likelyMeant(text: string, words: readonly string[]): string | undefined {
	if (/^(?:\.{0,2}\/|@)/.test(text)) return "write unix: before it";
	if (isNumber(text, PORT_MAX)) return `a port alone tells no host; write tcp://HOST:${text}`;
	if (/^\s|\s$/.test(text)) return "there is white space around it";
	if (/^(?:[a-z]:[\\/]|\\\\|n?pipe:)/i.test(text)) {
		return "paths and pipes of Windows are no sockets; write unix: and the path of a socket file";
	}
	if (text.startsWith("~/")) {
		return "nobody replaces its ~ by a folder; write unix: and the whole path";
	}
	return ofUrl(text) ?? ofWord(text, words) ?? withoutWord(text);
}

/** The address with `//` where it is missing, as in `tcp:host:80`; the form where that would be no address either. */
export function withSlashes(transport: string, rest: string, form: string): string {
	const place = rest.replace(/^\/+/, "");
	if (!SHOWABLE.test(place)) return form;
	const isVsock = transport.startsWith("vsock");
	if (isNumber(place, isVsock ? UINT32_MAX : PORT_MAX)) return form.replace("PORT", place);
	return (isVsock ? isCidPort(place) : isHostPort(place)) ? `${transport}://${place}` : form;
}

// What is said to be right has to be so.
function isHostPort(place: string): boolean {
	const [, host, port = ""] = /^(.*):(\d+)$/.exec(place) ?? [];
	return host !== undefined && isHost(host) && isNumber(port, PORT_MAX);
}

function isCidPort(place: string): boolean {
	const [cid = "", port = "", ...more] = place.split(":");
	const isCid = cid === "*" || isNumber(cid, UINT32_MAX);
	return more.length === 0 && isCid && isNumber(port, UINT32_MAX);
}

function isHost(host: string): boolean {
	if (host.includes(":") && !host.startsWith("[")) return false;
	try {
		normalizeHost(host, host);
		return true;
	} catch {
		return false;
	}
}

function ofUrl(text: string): string | undefined {
	if (!URL_WORDS.test(text)) return undefined;
	const [, scheme = "", host = "", port] =
		/^(\w+):\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?/.exec(text) ?? [];
	const known = port ?? URL_PORTS[scheme.toLowerCase()] ?? "";
	const end = isNumber(known, PORT_MAX) ? known : "PORT";
	const place = SHOWABLE.test(host) && isHost(host) ? `tcp://${host}:${end}` : "tcp://HOST:PORT";
	return `it is a URL; write ${place}`;
}

function ofWord(text: string, words: readonly string[]): string | undefined {
	const [, word = "", rest = ""] = /^([a-z][a-z0-9+-]*):(.*)$/i.exec(text) ?? [];
	const lower = word.toLowerCase();
	const isPort = /^\d+$/.test(rest);
	const isKnown = words.includes(lower);
	// A name of a host before a port can look like a transport, or like a word of others.
	const isName = isPort && !isKnown && /^[a-z]+$/.test(lower);
	if (isName) return undefined;
	const meant = isKnown ? lower : OTHER_WORDS.get(lower);
	if (meant !== undefined) return `did you mean ${corrected(meant, rest)}?`;
	const [, start] = /^([a-z+-]+)\/\//i.exec(text) ?? [];
	if (start !== undefined && words.includes(start)) {
		return `did you mean ${corrected(start, text.slice(start.length))}?`;
	}
	if (word === "" || isPort) return undefined;
	const close = nearest(lower, words);
	return close === undefined ? undefined : `did you mean ${close}:?`;
}

function corrected(word: string, rest: string): string {
	if (/^(?:tcp|udp)$/.test(word)) return withSlashes(word, rest, `${word}://HOST:PORT`);
	const isPath = word.startsWith("unix") && rest !== "" && SHOWABLE.test(rest);
	if (isPath) return word + (word.endsWith("@") ? "" : ":") + rest.replace(/^\/+/, "/");
	return word.endsWith("@") ? `${word}NAME` : `${word}:`;
}

function withoutWord(text: string): string | undefined {
	if (isHostPort(text)) return "write tcp:// before it, or udp://";
	const [, port] = /^(?:\[[^\]]*\]|[^/:]*):(\d+)$/.exec(text) ?? [];
	if (port !== undefined) {
		const form = isNumber(port, PORT_MAX) ? `HOST:${port}` : "HOST:PORT";
		return `write tcp://${form}, or udp://${form}`;
	}
	if (/^[\da-f]*:[\da-f]*:[\da-f:.]*$/i.test(text)) {
		return "an IPv6 address needs brackets and a port, as in tcp://[::1]:80";
	}
	if (!SHOWABLE.test(text)) return undefined;
	if (/^[^/]+\.sock(?:et)?$|^[^:]+\//.test(text)) return `write unix:${text}`;
	const [, host] = /^(localhost|[\w-]+(?:\.[\w-]+)+|\[[^\]]*\]):?$/.exec(text) ?? [];
	if (host !== undefined) {
		return `the port is missing; write tcp://${isHost(host) ? host : "HOST"}:PORT`;
	}
	if (/^[^/:]+:[a-z][\w-]*$/i.test(text)) return "the port must be a number";
	return undefined;
}
