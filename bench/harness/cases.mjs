// What is measured: one entry a case. README.md says why each is pinned as it is.

const LATENCY = [
	{ name: "p50_us", better: "lower" },
	{ name: "p99_us", better: "lower" },
];
const BULK = [{ name: "gbit_s", better: "higher" }];
const WRITES = [{ name: "writes_per_s", better: "higher" }];
const ACCEPT = [{ name: "conn_per_s", better: "higher" }];
const IDLE = [{ name: "rss_kb_per_conn", better: "lower" }];
const DATAGRAMS = [
	{ name: "kpps", better: "higher" },
	{ name: "loss_percent", better: "lower" },
];
const RELAYED = [...BULK, { name: "cpu_ms_per_gb", better: "lower" }];
const MEMORY = [{ name: "kb_per_conn", better: "lower" }];
const IMPORT = [
	{ name: "ms", better: "lower" },
	{ name: "addon_kb", better: "lower" },
];

const SAME_CPU = { server: 0, client: 0 };
const TWO_CPUS = { server: 0, client: 1 };
// Three processes on two processors: the kernel places them.
const SHARED_CPUS = { server: "0,1", client: "0,1", relay: "0,1" };
const RECEIVE_BUFFER_BYTES = 4 << 20;
// Memory is weighed at both; the first keeps what a runtime sets up once out of the figure.
const IDLE_CONNECTIONS = { baseline: 2000, connections: 10_000 };
const RELAYED_CONNECTIONS = { baseline: 500, connections: 2000 };

// Name, metrics (the first is the one that is compared), processors, fixed parameters.
const rows = [
	["pingpong/unix-stream/64", LATENCY, SAME_CPU],
	["pingpong/tcp/64", LATENCY, SAME_CPU],
	["pingpong/udp/64", LATENCY, SAME_CPU],
	["pingpong/unix-dgram/64", LATENCY, SAME_CPU],
	["pingpong/unix-seqpacket/64", LATENCY, SAME_CPU],
	["pingpong-2cpu/unix-stream/64", LATENCY, TWO_CPUS],
	["bulk/unix-stream/65536", BULK, TWO_CPUS],
	["bulk/tcp/65536", BULK, TWO_CPUS],
	["smallwrites/unix-stream/64", WRITES, TWO_CPUS],
	["smallwrites/tcp/64", WRITES, TWO_CPUS],
	["accept/unix-stream", ACCEPT, TWO_CPUS, { connections: 8000 }, "c-epoll"],
	["accept/tcp", ACCEPT, TWO_CPUS, { connections: 8000 }, "c-epoll"],
	["idle/unix-stream", IDLE, TWO_CPUS, IDLE_CONNECTIONS, "c-epoll"],
	["idle/tcp", IDLE, TWO_CPUS, IDLE_CONNECTIONS, "c-epoll"],
	["datagrams/udp/64", DATAGRAMS, TWO_CPUS, { receiveBuffer: RECEIVE_BUFFER_BYTES }],
	["datagrams/udp/1200", DATAGRAMS, TWO_CPUS, { receiveBuffer: RECEIVE_BUFFER_BYTES }],
	[
		"datagrams/udp-many-peers/64",
		DATAGRAMS,
		TWO_CPUS,
		{ receiveBuffer: RECEIVE_BUFFER_BYTES, peers: 1000 },
	],
	["datagrams/unix-dgram/64", DATAGRAMS, TWO_CPUS],
	["relay/tcp-tcp", RELAYED, SHARED_CPUS, {}, "iperf3"],
	["relay/tcp-unix", RELAYED, SHARED_CPUS, { connections: 1 }, "c-flood"],
	["relay/tcp-tcp-1000", RELAYED, SHARED_CPUS, { connections: 1000 }, "c-flood"],
	["relay/memory", MEMORY, SHARED_CPUS, RELAYED_CONNECTIONS, "c-flood"],
	["relay/udp/64", DATAGRAMS, SHARED_CPUS, { receiveBuffer: RECEIVE_BUFFER_BYTES }, "c-sendmmsg"],
	["import", IMPORT, SAME_CPU],
];

// With --quick only when they are named: each play takes seconds.
const LONG = new Set(["relay/tcp-tcp-1000", "relay/memory"]);

/** All cases, in the order in which they are run and printed. */
export const cases = rows.map(([name, metrics, cpus, params = {}, load = undefined]) => {
	const [kind, transport, size] = name.split("/");
	const sized = size === undefined ? params : { ...params, size: Number(size) };
	const isLong = LONG.has(name);
	return { name, kind, transport, metrics, cpus, params: sized, load, isLong };
});

/** The cases whose name matches a shell-like pattern, where `*` stands for anything. */
export function matchingCases(pattern) {
	const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
	const whole = new RegExp(`^${escaped}$`);
	return cases.filter((each) => whole.test(each.name));
}

/** Where the server of a case is asked to listen; `directory` is fresh for each play. */
export function addressOf(transport, directory) {
	switch (transport) {
		case "tcp":
			return "tcp://127.0.0.1:0";
		case "udp":
			return "udp://127.0.0.1:0";
		case "udp-many-peers":
			return "udp://0.0.0.0:0";
		case "unix-stream":
			return `unix:${directory}/s`;
		default:
			return `${transport}:${directory}/s`;
	}
}
