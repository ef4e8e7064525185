/** What was probably meant by a text that is no address. */
import { nearest } from "../nearest.ts";

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
	if (/^\d{1,5}$/.test(text)) return `a port alone tells no host; write tcp://HOST:${text}`;
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
	if (/^\d+$/.test(place)) return form.replace("PORT", place);
	return /^(?:\[[^\]]*\]|[^:]+):\d+$/.test(place) ? `${transport}://${place}` : form;
}

function ofUrl(text: string): string | undefined {
	if (!URL_WORDS.test(text)) return undefined;
	const [, scheme = "", host = "", port] =
		/^(\w+):\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?/.exec(text) ?? [];
	const known = port ?? URL_PORTS[scheme.toLowerCase()] ?? "PORT";
	const place = host !== "" && SHOWABLE.test(host) ? `tcp://${host}:${known}` : "tcp://HOST:PORT";
	return `it is a URL; write ${place}`;
}

function ofWord(text: string, words: readonly string[]): string | undefined {
	const [, word = "", rest = ""] = /^([a-z][a-z0-9+-]*):(.*)$/i.exec(text) ?? [];
	const lower = word.toLowerCase();
	const isPort = /^\d+$/.test(rest);
	const isKnown = words.includes(lower);
	// A name of a host before a port can look like a transport, or like a word of others.
	const isHost = isPort && !isKnown && /^[a-z]+$/.test(lower);
	if (isHost) return undefined;
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
	if (/^(?:\[[^\]]*\]|[^/:]*):\d+$/.test(text)) return "write tcp:// before it, or udp://";
	if (/^[\da-f]*:[\da-f:.]*$/i.test(text)) {
		return "an IPv6 address needs brackets and a port, as in tcp://[::1]:80";
	}
	if (!SHOWABLE.test(text)) return undefined;
	if (/^[^/]+\.sock(?:et)?$|^[^:]+\//.test(text)) return `write unix:${text}`;
	const [, host] = /^(localhost|[\w-]+(?:\.[\w-]+)+|\[[^\]]*\]):?$/.exec(text) ?? [];
	if (host !== undefined) return `the port is missing; write tcp://${host}:PORT`;
	if (/^[^/:]+:[a-z][\w-]*$/i.test(text)) return "the port must be a number";
	return undefined;
}
