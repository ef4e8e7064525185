// The short table for those who want to know whether it is fast.
import { cases } from "../harness/cases.mjs";
import { find, spreadPercent } from "./figures.mjs";
import { MISSED, REACHED, verdicts } from "./goal-lines.mjs";

// Wider ones are told.
const ORDINARY_SPREAD_PERCENT = 5;
const PEERS = ["node", "bun", "deno"];

// The question, case, by how much its main figure is divided, our other way to do it.
const ROWS = [
	["round trip of 64 bytes, Unix stream, us", "pingpong/unix-stream/64", 1, "socketry-sync"],
	["round trip of 64 bytes, TCP, us", "pingpong/tcp/64", 1, "socketry-sync"],
	["the same over two processors, Unix, us", "pingpong-2cpu/unix-stream/64", 1, "socketry-busy"],
	["writes of 64 bytes, Unix stream, million/s", "smallwrites/unix-stream/64", 1e6],
	["writes of 64 KiB, Unix stream, Gbit/s", "bulk/unix-stream/65536", 1],
	["writes of 64 KiB, TCP, Gbit/s", "bulk/tcp/65536", 1],
	["UDP, 64 bytes, thousand/s", "datagrams/udp/64", 1, "socketry-batch"],
	["UDP, 1,200 bytes, thousand/s", "datagrams/udp/1200", 1, "socketry-batch"],
	["UDP, 64 bytes to 1,000 peers in turn, thousand/s", "datagrams/udp-many-peers/64", 1],
	["connections accepted, TCP, thousand/s", "accept/tcp", 1e3],
	["memory of an idle connection, kB", "idle/unix-stream", 1],
	["relay TCP to TCP, Gbit/s", "relay/tcp-tcp", 1],
	["relay of UDP, 64 bytes, thousand/s", "relay/udp/64", 1],
];

/** One row a question, and how many goals are reached. */
export function summary(results) {
	return [
		"| | in C | Node | Bun | Deno | Socketry | or |",
		"|---|---:|---:|---:|---:|---:|---|",
		...ROWS.flatMap((row) => line(results, row)),
		"",
		score(results),
	];
}

function line(results, [question, name, unit, otherWay]) {
	const metric = cases.find((each) => each.name === name).metrics[0].name;
	const ours = find(results, name, metric, "socketry");
	if (ours === undefined) return [];
	const show = (row) => (row === undefined ? "" : brief(row.value / unit) + wide(row));
	const native = bestNative(results, ours);
	const other = find(results, name, metric, otherWay);
	const cells = [
		show(native) + how(native, "c-"),
		...PEERS.map((peer) => show(find(results, name, metric, peer))),
		show(ours),
		show(other) + how(other, "socketry-"),
	];
	return [`| ${question} | ${cells.join(" | ")} |`];
}

// Three significant digits.
function brief(value) {
	return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

function how(row, prefix) {
	return row === undefined ? "" : ` (${row.subject.replace(prefix, "")})`;
}

function wide(row) {
	const percent = spreadPercent(row);
	return percent > ORDINARY_SPREAD_PERCENT ? ` ±${percent}%` : "";
}

// The fastest program in C, whichever way it goes about it.
function bestNative(results, ours) {
	const sign = ours.better === "lower" ? 1 : -1;
	return results
		.filter((row) => row.case === ours.case && row.metric === ours.metric && isNative(row.subject))
		.sort((a, b) => sign * (a.value - b.value))[0];
}

function isNative(subject) {
	return subject.startsWith("c-") || subject.startsWith("haproxy") || subject === "socat";
}

function score(results) {
	const all = verdicts(results).map(({ verdict }) => verdict);
	const count = (verdict) => all.filter((each) => each === verdict).length;
	const undecided = all.length - count(REACHED) - count(MISSED);
	return [
		`Of the ${all.length} goals that it was built for, ${count(REACHED)} were reached in this run and ${count(MISSED)} missed;`,
		`for ${undecided} the runs spread too far to tell.`,
	].join(" ");
}
