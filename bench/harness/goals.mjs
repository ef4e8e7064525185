// What the library wants to reach, as ratios inside one run wherever that is possible.

// Case, metric, subject, bound, subject that the bound is a multiple of (none: an absolute figure).
const rows = [
	["pingpong/unix-stream/64", "p50_us", "socketry", 1.4, "c-epoll"],
	["pingpong/tcp/64", "p50_us", "socketry", 1.4, "c-epoll"],
	["pingpong/unix-stream/64", "p50_us", "socketry-sync", 1.1, "c-blocking"],
	["pingpong/tcp/64", "p50_us", "socketry-sync", 1.1, "c-blocking"],
	["pingpong-2cpu/unix-stream/64", "p50_us", "socketry-busy", 12],
	["smallwrites/unix-stream/64", "writes_per_s", "socketry", 4e6],
	["bulk/unix-stream/65536", "gbit_s", "socketry", 0.9, "c-epoll"],
	["bulk/tcp/65536", "gbit_s", "socketry", 0.9, "c-epoll"],
	["datagrams/udp/64", "kpps", "socketry", 3000],
	["datagrams/udp-many-peers/64", "kpps", "socketry", 1, "c-sendmmsg"],
	["datagrams/udp/1200", "kpps", "socketry", 1042],
	["accept/unix-stream", "conn_per_s", "socketry", 2, "node"],
	["accept/tcp", "conn_per_s", "socketry", 2, "node"],
	["idle/unix-stream", "rss_kb_per_conn", "socketry", 1.2],
	["idle/tcp", "rss_kb_per_conn", "socketry", 1.2],
	["relay/tcp-tcp", "gbit_s", "socketry", 1, "haproxy"],
	["relay/tcp-unix", "gbit_s", "socketry", 1, "haproxy"],
	["relay/tcp-tcp-1000", "gbit_s", "socketry", 1, "haproxy"],
	["relay/tcp-tcp", "gbit_s", "socketry", 1, "haproxy-copy"],
	["relay/tcp-unix", "gbit_s", "socketry", 1, "haproxy-copy"],
	["relay/tcp-tcp-1000", "gbit_s", "socketry", 1, "haproxy-copy"],
	["relay/memory", "kb_per_conn", "socketry", 1, "node"],
	["relay/udp/64", "kpps", "socketry", 1, "socat"],
	["relay/udp/64", "kpps", "socketry", 1, "node"],
	["import", "ms", "socketry", 15],
	["import", "addon_kb", "socketry", 100],
];

const LESS_IS_BETTER = ["p50_us", "rss_kb_per_conn", "kb_per_conn", "ms", "addon_kb"];

/** Every goal with its text, e.g. `<= 1.4 x c-epoll`. */
export const goals = rows.map(([caseName, metric, subject, bound, against]) => {
	const sign = LESS_IS_BETTER.includes(metric) ? "<=" : ">=";
	const text = against === undefined ? `${sign} ${bound}` : `${sign} ${bound} x ${against}`;
	return { case: caseName, metric, subject, bound, against, text };
});

/** The goals of one result in words, empty if it has none. */
export function goalsFor(caseName, metric, subject) {
	return goals
		.filter((each) => each.case === caseName && each.metric === metric && each.subject === subject)
		.map(({ text }) => text)
		.join(", ");
}
