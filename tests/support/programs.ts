/** Programs of others that ours are tested with. */

import { createSocket } from "node:dgram";
import { accessSync, constants, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Child, type ChildOptions, startProgram } from "./children.ts";
import { ROOT } from "./root.ts";

/** Debian's package of each program. */
const PACKAGES: Readonly<Record<string, string>> = {
	"avahi-daemon": "avahi-daemon",
	busybox: "busybox-static",
	curl: "curl",
	"dbus-daemon": "dbus",
	dig: "bind9-dnsutils",
	dnsmasq: "dnsmasq-base",
	dnsperf: "dnsperf",
	ethtool: "ethtool",
	ffmpeg: "ffmpeg",
	initdb: "postgresql",
	ip: "iproute2",
	journalctl: "systemd",
	openssl: "openssl",
	postgres: "postgresql",
	python3: "python3",
	lsof: "lsof",
	man: "man-db groff",
	mandoc: "mandoc",
	"redis-server": "redis-server",
	script: "bsdutils",
	rsyslogd: "rsyslog",
	setpriv: "util-linux",
	setsid: "util-linux",
	ss: "iproute2",
	ssh: "openssh-client",
	"ssh-keygen": "openssh-client",
	sshd: "openssh-server",
	systemctl: "systemd",
	"systemd-journald": "systemd",
	"systemd-notify": "systemd",
	"systemd-socket-activate": "systemd",
	"systemd-socket-proxyd": "systemd",
	unbound: "unbound",
	unshare: "util-linux",
};

// Where Debian has servers; not on the path of every user.
const FOLDERS = [
	...(process.env["PATH"] ?? "").split(":"),
	...["/usr/sbin", "/sbin", "/usr/lib/systemd", "/lib/systemd"],
	// One a version; the oldest will do.
	...versionsOf("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`),
];

/** Why a test that needs these programs is skipped, and what to do about it; false when they are there. For the `skip` of a test. */
export function lacking(...names: string[]): string | false {
	const missing = names.filter((name) => find(name) === undefined);
	if (missing.length === 0) return false;
	const packages = missing.map((name) => PACKAGES[name] ?? name);
	return `${missing.join(" and ")} missing: apt-get install ${packages.join(" ")}`;
}

/** Why a test that needs root is skipped; false when it is root. */
export function lackingRoot(): string | false {
	return process.geteuid?.() !== 0 && "not root: run it as root";
}

/** Starts one of them, which must be there. The sanitizers that our tests may run with are not for them. */
export function startPeer(
	name: string,
	args: readonly string[],
	options: ChildOptions = {},
): Child {
	const env = { ...options.env, LD_PRELOAD: "" };
	return startProgram([find(name) ?? name, ...args], { ...options, env });
}

/** A compiled example: `dns/serve.ts`. */
export function example(path: string): URL {
	return pathToFileURL(join(ROOT, ".build/examples", path.replace(/\.ts$/, ".js")));
}

/** Ends a child process, and waits for it. Returns what it said. */
export async function stop(child: Child, signal: NodeJS.Signals = "SIGTERM"): Promise<string> {
	child.process.kill(signal);
	const { stdout, stderr } = await child.ended;
	return stdout + stderr;
}

/** Reads lines until one matches, which is returned. */
export async function lineLike(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
	for (;;) {
		const match = pattern.exec(await child.line());
		if (match !== null) return match;
	}
}

/** A port of 127.0.0.1 that is free by UDP and by TCP, and the `beside` next ones too: for programs that cannot choose one themselves. */
export async function freePort(beside = 0): Promise<number> {
	for (;;) {
		const port = 20_000 + Math.floor(Math.random() * 12_000);
		let isFree = true;
		for (let i = 0; i <= beside && isFree; i++) isFree = await isFreePort(port + i);
		if (isFree) return port;
	}
}

/** Where a program is, if it is there. */
export function find(name: string): string | undefined {
	for (const folder of FOLDERS) {
		const path = join(folder, name);
		try {
			accessSync(path, constants.X_OK);
			return path;
		} catch {
			// Not in this folder.
		}
	}
	return undefined;
}

function versionsOf(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

async function isFreePort(port: number): Promise<boolean> {
	const socket = createSocket("udp4");
	const server = createServer();
	const ready = [
		new Promise((resolve, reject) => {
			socket.once("error", reject).bind(port, "127.0.0.1", () => resolve(undefined));
		}),
		new Promise((resolve, reject) => {
			server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined));
		}),
	];
	const isFree = (await Promise.allSettled(ready)).every(({ status }) => status === "fulfilled");
	await new Promise((resolve) => server.close(resolve));
	socket.close();
	return isFree;
}
