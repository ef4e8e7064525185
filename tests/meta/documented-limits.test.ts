import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LIMITS } from "socketry";
import { ROOT } from "../support/root.ts";
import { readTree } from "../support/source-tree.ts";

type Limit = keyof typeof LIMITS;

/** Where documentation states a limit: the number after the words, in units of `factor`. */
const STATEMENTS: readonly (readonly [
	limit: Limit,
	path: string,
	words: RegExp,
	factor?: number,
])[] = [
	["acceptBackoffMs", "open/listener.ts", /accepting goes on after (\d+) ms/],
	["attemptDelayMs", "open/connect.ts", /10\.\.60000 ms\. Default (\d+)/],
	["attemptDelayMs", "open/connect.ts", /one after another, (\d+) ms/],
	["backlogCount", "open/listen.ts", /net\.core\.somaxconn\. Default (\d+)/],
	["backlogCount", "socket/endpoint.ts", /net\.core\.somaxconn\. Default (\d+)/],
	["closeMs", "stream/contract.ts", /connection reset.*Default (\d+)/],
	["closeMs", "packet/packet-contract.ts", /given up.*Default (\d+)/],
	["closeMs", "datagram/datagram-contract.ts", /dropped.*Default (\d+)/],
	["datagramQueueBytes", "datagram/datagram-options.ts", /wait for the kernel.*Default (\d+)/],
	["descriptorsAllowedCount", "socket/arrived-control.ts", /`true` stands for (\d+)/],
	["descriptorsAllowedCount", "docs/errors.md", /\((\d+) with `receiveDescriptors: true`\)/],
	["descriptorsQueuedCount", "stream/stream.ts", /once (\d+) are not taken/],
	["descriptorsPerMessageCount", "socket/passage.ts", /(\d+) at the most\. Duplicated/],
	["descriptorsPerMessageCount", "stream/stream.ts", /more than (\d+) descriptors/],
	["descriptorsPerMessageCount", "socket/message-call.ts", /holds the (\d+) descriptors/],
	["descriptorsPerMessageCount", "docs/errors.md", /than the kernel takes \((\d+)\)/],
	["failuresToldCount", "docs/errors.md", /the message has the first (\d+)/],
	["fallbackDelaysCount", "open/connect.ts", /next priority wait (\d+) times as long/],
	["frameBytes", "frame/codec.ts", /without end\. Default (\d+)/],
	["handshakeMs", "proxy/connect-through.ts", /has (\d+) ms to answer/],
	["handshakeMs", "tls/tls-connect.ts", /handshake has (\d+) ms/],
	["handshakeMs", "tls/start-tls.ts", /handshake has (\d+) ms/],
	["handshakeMs", "tls/handshake.ts", /it has (\d+) ms/],
	["handshakeMs", "docs/limits.md", /handshake of TLS \| (\d+) s/, 1000],
	["handshakeMs", "docs/cli.md", /It has (\d+) s to answer/, 1000],
	["faultIdleMs", "fault/fault-datagrams.ts", /forgotten, .* Default (\d+)/],
	["faultPeersCount", "fault/fault-datagrams.ts", /gives way .* Default (\d+)/],
	["faultRequestMs", "fault/control-server.ts", /and (\d+) seconds to arrive/, 1000],
	["faultRequestMs", "docs/fault.md", /has (\d+) seconds to arrive/, 1000],
	[
		"faultRequestBytes",
		"fault/control-server.ts",
		/Requests have up to\s+\*?\s*(\d+) MiB/,
		1_048_576,
	],
	["faultHeldBytes", "fault/fault-datagrams.ts", /beyond is dropped .* Default (\d+)/],
	["faultHeldBytes", "fault/fault-relay.ts", /stops reading, .* Default (\d+)/],
	["handoverHelloMs", "docs/handover.md", /says nothing for (\d+) s/, 1000],
	["handoverMoveMs", "handover/post.ts", /go on here\. Default (\d+)/],
	["handoverStartMs", "handover/post.ts", /is busy\. Default (\d+)/],
	["handoverStepMs", "handover/handover.ts", /has answered\. Default (\d+)/],
	["handoverStepMs", "handover/take-over.ts", /opened its own\. Default (\d+)/],
	["handoverStateBytes", "handover/moving.ts", /afterwards; up to (\d+) MiB/, 1_048_576],
	["handoverStateBytes", "handover/post.ts", /at its start, up to (\d+) MiB/, 1_048_576],
	["messageBytes", "packet/packet-stream.ts", /can be received.*Default (\d+)/],
	["messageBytes", "datagram/datagram-options.ts", /and (\d+) for others/],
	["nameAgeMs", "open/cached-resolver.ts", /keep an answer.*Default (\d+)/],
	["namesCount", "open/cached-resolver.ts", /least lately is forgotten\. Default (\d+)/],
	["proxyHeaderMs", "proxy/proxied.ts", /header to come.*Default (\d+)/],
	["readChunkBytes", "stream/contract.ts", /or it holds up to (\d+) KiB/, 512],
	["readUntilBytes", "stream/contract.ts", /1\.\.1073741824\. Default (\d+)/],
	["udpPayloadBytesIpv4", "datagram/datagram-contract.ts", /any UDP datagram: (\d+) bytes/],
	["udpPayloadBytesIpv4", "docs/errors.md", /More than (\d+) bytes in one UDP/],
	["udpPayloadBytesIpv4", "docs/errors.md", /A UDP payload above (\d+) bytes/],
	["udpPayloadBytesIpv6", "datagram/datagram-contract.ts", /bytes, (\d+) over IPv6/],
	["udpPayloadBytesIpv6", "docs/errors.md", /datagram, (\d+) over IPv6/],
	["udpPayloadBytesIpv6", "docs/errors.md", /\(IPv4\) or (\d+) \(IPv6\)/],
	["unixAbstractBytes", "socket/address.ts", /1 to (\d+) bytes in UTF-8; NULs/],
	["unixAbstractBytes", "socket/sockaddr.ts", /1 to (\d+) bytes in UTF-8, without the leading/],
	["socketPathBytes", "socket/address.ts", /1 to (\d+) bytes in UTF-8, taken as it is/],
	["socketPathBytes", "docs/errors.md", /socket file longer than (\d+) bytes/],
	["socketPathBytes", "docs/errors.md", /has a NUL, or exceeds (\d+) bytes/],
	["unixPathBytes", "socket/address.ts", /Beyond (\d+) bytes it is reached/],
	["unixPathBytes", "socket/sockaddr.ts", /1 to (\d+) bytes in UTF-8, without NUL/],
	["unixPathBytes", "docs/errors.md", /\((\d+) for a `Socket`\)/],
	["unixPathBytes", "docs/errors.md", /`socketry\/socket` the limit is (\d+) bytes/],
	["writeCopyBytes", "stream/contract.ts", /copied when small \(up to (\d+) KiB\)/, 1024],
	["notifyMessageBytes", "systemd/notify.ts", /longer than (\d+) bytes/],
	["notifyMessageBytes", "systemd/service-state.ts", /no more than (\d+) bytes/],
	["handshakeGraceMs", "docs/cli.md", /still due after (\d+) s/, 1000],
	["relayLinesCount", "docs/cli.md", /up to (\d+) lines a second/],
	["relayPipesCount", "docs/cli.md", /at most (\d+) where root\s+runs it/],
	["relayUserPipesCount", "docs/cli.md", /runs it, (\d+) otherwise/],
	["relayDescriptorsPerPipeCount", "docs/cli.md", /one for (\d+) descriptors/],
	["retryDelayMs", "open/retry.ts", /up to a half\. Default (\d+)/],
	["retryDelayMaxMs", "open/retry.ts", /Longest pause.*Default (\d+)/],
	["serviceServersCount", "open/lookup.ts", /of (\d+) servers at the most/],
	["serviceServersCount", "open/services.ts", /and (\d+) at the most/],
	["serviceServersCount", "docs/names.md", /likeliest (\d+) servers/],
	["tlsHandshakeMs", "tls/tls-listener.ts", /for the handshake, .* Default (\d+)/],
	["tlsHandshakesCount", "tls/tls-listener.ts", /the oldest gives way\. Default (\d+)/],
	["sendQueueCount", "packet/packet-contract.ts", /MiB or (\d+) messages wait/],
	["sendQueueCount", "datagram/datagram-contract.ts", /MiB or (\d+) datagrams wait/],
	["sendQueueCount", "docs/errors.md", /are queued, or (\d+) messages/],
	["writeQueueBytes", "packet/packet-contract.ts", /(\d+) MiB or/, 1_048_576],
	["writeQueueBytes", "datagram/datagram-contract.ts", /(\d+) MiB or/, 1_048_576],
	["writeQueueBytes", "docs/errors.md", /(\d+) MiB of writes/, 1_048_576],
	["writeQueueBytes", "stream/contract.ts", /(\d+) MiB are queued/, 1_048_576],
];

/** Figures of the library that callers cannot see, or meet by a name that says them: nowhere stated as a default. */
const UNSTATED: readonly Limit[] = [
	"connectRetryMs",
	"hostnameBytes",
	"listingAttemptsCount",
	"listingFilesCount",
	"listingTurnMs",
	"lookupsAtOnceCount",
	"netlinkAnswerMs",
	"netlinkReadBytes",
	"sendRetryMs",
	"socketFileDoubtMs",
	"socketFileLockMs",
	"tlsReadyCount",
	"writeHighWaterBytes",
];

const sources = readTree("src");

function textOf(file: string): string {
	if (file.startsWith("docs/")) return readFileSync(join(ROOT, file), "utf8");
	const found = sources.find(({ path }) => path === file);
	assert.ok(found !== undefined, `there is no src/${file}`);
	return found.text;
}

test("every limit that the documentation states is the one in force", () => {
	for (const [limit, file, words, factor = 1] of STATEMENTS) {
		const stated = words.exec(textOf(file))?.[1];
		assert.ok(stated !== undefined, `${file} no longer states ${limit} as ${words}`);
		assert.equal(Number(stated) * factor, LIMITS[limit], `${limit} in ${file}`);
	}
});

test("every limit is stated somewhere, or known to be nobody's business", () => {
	const stated = new Set<string>(STATEMENTS.map(([limit]) => limit));
	const left = Object.keys(LIMITS).filter((limit) => !stated.has(limit));
	assert.deepEqual(left.sort(), [...UNSTATED].sort());
});

test("every default of two digits and more that a docstring states is checked, or a number of its file", () => {
	const wrong: string[] = [];
	for (const { path, text } of sources) {
		if (/^(cli|sys|testing)\//.test(path)) continue;
		for (const [statement, number = ""] of text.matchAll(/\*.*Default:? (\d{2,})\b/g)) {
			const isChecked = STATEMENTS.some(
				([, file, words]) => file === path && words.exec(text)?.[1] === number,
			);
			const constant = Number(number).toLocaleString("en").replaceAll(",", "_");
			if (!isChecked && !text.includes(constant)) wrong.push(`src/${path}: ${statement}`);
		}
	}
	assert.deepEqual(wrong, []);
});
