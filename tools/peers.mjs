// Holds: there is one list of the programs of others that ours are tested with: what each is for, and which package of Debian brings it.
//
//   node tools/peers.mjs             which of them are here
//   node tools/peers.mjs --install   installs what is missing, as CI does
//
// Tests start them, in temporary folders, on ports that are free, and end them: by `startPeer` of tests/support/programs.ts, and by `withPostgres`, `withRedis`,
// `withJournal` and the like beside it. A test whose program is missing is skipped, and says which package brings it.

import { accessSync, constants, readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "./run.mjs";

/** By program, or file: the package, and what it does here. @type {Readonly<Record<string, readonly [debian: string, purpose: string]>>} */
export const PEERS = {
	"/usr/share/bash-completion/bash_completion": ["bash-completion", "completes words of ours"],
	"aarch64-linux-gnu-gcc": ["gcc-aarch64-linux-gnu", "compiles the addon for arm64"],
	"avahi-daemon": ["avahi-daemon", "asks and answers by multicast DNS"],
	busybox: ["busybox-static", "is what runs in a container"],
	cc: ["build-essential", "compiles the addon"],
	containerd: ["containerd", "is asked by gRPC on a Unix socket"],
	curl: ["curl", "asks our web servers"],
	"dbus-daemon": ["dbus", "is spoken to by D-Bus, descriptors along with it"],
	dig: ["bind9-dnsutils", "asks our DNS server"],
	dnsmasq: ["dnsmasq-base", "answers our DNS client"],
	dnsperf: ["dnsperf", "asks our DNS server a thousand questions at once"],
	ethtool: ["ethtool", "sets what a network card does, in networks of a test's own"],
	ffmpeg: ["ffmpeg", "sends and plays video through our relay"],
	fish: ["fish", "completes words of ours"],
	haproxy: ["haproxy", "sends and takes headers of the PROXY protocol"],
	initdb: ["postgresql", "makes a database"],
	ip: ["iproute2", "makes networks of a test's own"],
	journalctl: ["systemd", "reads what our example writes to the journal"],
	lsof: ["lsof", "lists the same sockets as ours"],
	man: ["man-db", "shows our man pages"],
	mandoc: ["mandoc", "finds mistakes in our man pages"],
	microsocks: ["microsocks", "is a SOCKS5 proxy"],
	mount: ["mount", "mounts in namespaces of a test's own"],
	"musl-gcc": ["musl-tools", "compiles the addon for musl"],
	"nc.openbsd": ["netcat-openbsd", "is compared with `socketry connect`"],
	ncat: ["ncat", "is compared with `socketry connect`"],
	nginx: ["nginx-light", "passes requests on to our web servers"],
	nsenter: ["util-linux", "enters networks of a test's own"],
	openssl: ["openssl", "speaks TLS with ours"],
	podman: ["podman", "has the API of Docker on a Unix socket"],
	postgres: ["postgresql", "is asked over TCP, a Unix socket and TLS"],
	prlimit: ["util-linux", "limits descriptors"],
	python3: ["python3", "exchanges descriptors with ours"],
	"redis-server": ["redis-server", "is asked over TCP and a Unix socket"],
	rsyslogd: ["rsyslog", "is sent log messages"],
	runc: ["runc", "starts containers for podman"],
	script: ["bsdutils", "gives a terminal to our command line"],
	setpriv: ["util-linux", "starts servers that refuse to run as root"],
	setsid: ["util-linux", "starts programs with sessions of their own"],
	socat: ["socat", "is compared with `socketry relay`"],
	ss: ["iproute2", "lists the same sockets as ours"],
	ssh: ["openssh-client", "connects through our ProxyCommand"],
	"ssh-keygen": ["openssh-client", "makes keys"],
	sshd: ["openssh-server", "lets in ssh2 on our streams"],
	systemctl: ["systemd", "manages services of ours"],
	"systemd-journald": ["systemd", "keeps what our example writes"],
	"systemd-notify": ["systemd", "notifies ours"],
	"systemd-socket-activate": ["systemd", "passes listening sockets to ours"],
	"systemd-socket-proxyd": ["systemd", "is passed a listening socket"],
	tar: ["tar", "makes the image of a container"],
	tinyproxy: ["tinyproxy", "is an HTTP proxy"],
	unbound: ["unbound", "answers our DNS client"],
	unshare: ["util-linux", "gives a test a network or mounts of its own"],
	wrk: ["wrk", "loads our web servers"],
	zsh: ["zsh", "completes words of ours"],
};

// Where Debian has servers; not on the path of every user.
const FOLDERS = [
	...(process.env.PATH ?? "").split(":"),
	...["/usr/sbin", "/sbin", "/usr/lib/systemd", "/lib/systemd"],
	// One a version; the oldest will do.
	...versionsOf("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`),
];

/**
 * Where a program is; undefined when it is missing.
 *
 * @param {string} name or the path of a file
 * @returns {string | undefined}
 */
export function findPeer(name) {
	const places = isAbsolute(name) ? [name] : FOLDERS.map((folder) => join(folder, name));
	return places.find((path) => isThere(path, isAbsolute(name) ? constants.R_OK : constants.X_OK));
}

/**
 * The packages of programs, each once.
 *
 * @param {readonly string[]} names
 * @returns {string[]}
 */
export function packagesOf(names) {
	return [...new Set(names.map((name) => PEERS[name]?.[0] ?? name))];
}

/** @param {string} folder */
function versionsOf(folder) {
	return isThere(folder, constants.R_OK) ? readdirSync(folder) : [];
}

/** @param {string} path @param {number} mode */
function isThere(path, mode) {
	try {
		accessSync(path, mode);
		return true;
	} catch {
		return false;
	}
}

const missing = () => Object.keys(PEERS).filter((name) => findPeer(name) === undefined);

/** @returns {number} exit code */
function install() {
	const before = missing();
	if (before.length === 0) return 0;
	const packages = packagesOf(before);
	console.log(`peers: ${before.join(", ")} missing, installing ${packages.join(" ")}`);
	const root = process.geteuid?.() === 0 ? [] : ["sudo"];
	/** @param {...string} words */
	const apt = (...words) => {
		const command = [...root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", ...words];
		return run(/** @type {string} */ (command[0]), command.slice(1));
	};
	const code = apt("update") || apt("install", "-y", "--no-install-recommends", ...packages);
	const after = missing();
	if (after.length > 0) console.error(`peers: ${after.join(", ")} still missing`);
	return code || (after.length > 0 ? 1 : 0);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	if (process.argv[2] === "--install") process.exitCode = install();
	else {
		for (const [name, [debian, purpose]] of Object.entries(PEERS)) {
			console.log(`${findPeer(name) ? "here   " : "MISSING"}  ${name} ${purpose} (${debian})`);
		}
	}
}
