/**
 * The layers of the package. The tables are a statement of policy; do not edit to make a build pass.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readTree, type SourceFile, withoutComments } from "../support/source-tree.ts";

/**
 * What each layer may import besides itself: only what lies below it. `.` are the files directly in src: errors, limits.
 * `stream` and what stands on it may reach past `socket` to `sys`, because a read or a write of its hot path is one call and no more.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
	".": [],
	sys: ["."],
	socket: [".", "sys"],
	stream: [".", "sys", "socket"],
	packet: [".", "sys", "socket", "stream"],
	datagram: [".", "sys", "socket", "stream", "packet"],
	open: [".", "sys", "socket", "stream", "packet", "datagram"],
	frame: [".", "socket", "stream"],
	systemd: [".", "sys", "socket"],
	proxy: [".", "socket", "stream", "open"],
	handover: [".", "sys", "socket", "stream", "packet", "datagram", "open"],
	node: [".", "sys", "socket", "stream", "datagram", "open"],
	web: [".", "stream"],
	relay: [".", "sys", "socket", "stream"],
	list: [".", "sys", "socket"],
	fault: [".", "socket", "stream", "packet", "datagram", "open"],
	tls: [".", "socket", "stream", "open", "node"],
	winter: [".", "socket", "stream", "open", "proxy", "tls"],
	testing: [".", "sys", "socket", "stream", "packet", "datagram", "open"],
	cli: [
		...[".", "sys", "socket", "stream", "packet", "datagram", "open", "index.ts"],
		...["fault", "frame", "handover", "list", "proxy", "relay", "systemd", "tls"],
	],
	"index.ts": [".", "socket", "stream", "packet", "datagram", "open"],
};

/** Files that do no input or output and read no clock: they import nothing of Node's. */
const PURE: readonly string[] = [
	"list/inet-diag.ts",
	"list/kernel-socket.ts",
	"list/netlink.ts",
	"list/proc-net.ts",
	"list/unix-diag.ts",
	"list/vsock-diag.ts",
	"socket/address.ts",
	"socket/control.ts",
	"socket/ip.ts",
	"socket/option-table.ts",
	"socket/sockaddr.ts",
];

/** The only files that may read the environment; the command line may everywhere. */
const READS_ENVIRONMENT =
	/^(cli\/|sys\/native\.ts$|socket\/systemd[a-z-]*\.ts$|systemd\/environment\.ts$)/;

const sources = readTree("src");

test("every layer imports only the layers below it", () => {
	const wrong = sources.flatMap((file) =>
		file.imports
			.filter((target) => target.endsWith(".ts") && !isAllowed(layerOf(file.path), layerOf(target)))
			.map((target) => `src/${file.path} imports src/${target}`),
	);
	assert.deepEqual(wrong, []);
});

test("every folder of src is a layer of the table", () => {
	const unknown = sources.filter(({ path }) => !(layerOf(path) in MAY_IMPORT));
	assert.deepEqual(paths(unknown), []);
});

test("nothing imports a package: there are no run-time dependencies", () => {
	const wrong = sources.flatMap((file) =>
		file.imports
			.filter((target) => !target.endsWith(".ts") && !target.startsWith("node:"))
			.map((target) => `src/${file.path} imports ${target}`),
	);
	assert.deepEqual(wrong, []);
});

test("pure files import nothing of Node's", () => {
	const wrong = sources.filter(
		(file) => PURE.includes(file.path) && file.imports.some((target) => target.startsWith("node:")),
	);
	assert.deepEqual(paths(wrong), []);
});

test("only sys/native.ts knows of the addon's file", () => {
	const wrong = sources.filter(
		({ path, text }) => path !== "sys/native.ts" && /\.node["'`]/.test(withoutComments(text)),
	);
	assert.deepEqual(paths(wrong), []);
});

test("only the command line, the addon's loader and what asks for a service manager read the environment", () => {
	const wrong = sources.filter(
		({ path, text }) =>
			!READS_ENVIRONMENT.test(path) && /process\s*\.\s*env\b/.test(withoutComments(text)),
	);
	assert.deepEqual(paths(wrong), []);
});

function layerOf(path: string): string {
	if (path === "index.ts") return path;
	return path.includes("/") ? (path.split("/")[0] ?? "") : ".";
}

function isAllowed(from: string, to: string): boolean {
	return from === to || (MAY_IMPORT[from] ?? []).includes(to);
}

function paths(files: readonly SourceFile[]): string[] {
	return files.map(({ path }) => `src/${path}`);
}
