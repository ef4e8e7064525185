/** The report for a person at a terminal: at most 80 columns where the terminal has no more. */
import { type Cell, layOut, wrap } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { busyWarning } from "./environment.ts";
import {
	formatBytes,
	formatGigabits,
	formatRate,
	formatShare,
	formatUs,
	withMicro,
} from "./figure.ts";
import { KINDS, PROMISES, PROMISES_EXPLAINED } from "./kinds.ts";
import { SMALL_BYTES } from "./plan.ts";
import type { Report } from "./report.ts";
import { bestRows, METRICS, type Metric, type Row } from "./rows.ts";
import { type Estimate, spread } from "./statistics.ts";

const FORMATS: { readonly [Name in Metric]: (value: number) => string } = {
	setUpUs: formatUs,
	p50Us: formatUs,
	p99Us: formatUs,
	smallPerSecond: formatRate,
	largeBytesPerSecond: formatGigabits,
};

/** Writes the report. */
export function renderText(report: Report, terminal: Terminal): string {
	const { palette, columns } = terminal;
	const small = (text: string): string => eachLine(wrap(text, columns), palette.dim);
	const parts = [
		heading(report, terminal),
		figuresTable(report, terminal),
		small(legend(report)),
		promisesTable(report, terminal),
		small(PROMISES_EXPLAINED),
		...report.advice.map(({ when, use, why }) => {
			const title = eachLine(wrap(`${when}: ${use}`, columns), palette.bold);
			return title + wrap(why, columns, "  ");
		}),
		small(closing(report)),
	];
	return withMicro(parts.join("\n"), terminal.glyphs.micro);
}

// A pager shows each line by itself: markup does not reach over its end.
function eachLine(text: string, style: (line: string) => string): string {
	return text.replace(/.+/g, style);
}

function heading({ environment, isRemote, plan }: Report, { palette, glyphs }: Terminal): string {
	const { machine, processors, kernel, node } = environment;
	const where = isRemote ? "against the servers given" : "on this machine";
	const facts = [machine, `${processors} processors`, kernel, `Node ${node}`];
	const warning = busyWarning(environment);
	const busy = warning === undefined ? "" : `\n${palette.bad(warning)}`;
	const title = `TCP, UDP or Unix socket? Measured ${where}, ${plan.rounds} rounds`;
	return `${palette.bold(title)}\n${palette.dim(facts.join(` ${glyphs.dot} `))}${busy}\n`;
}

function figuresTable({ rows, skipped }: Report, terminal: Terminal): string {
	const { dim } = terminal.palette;
	const us = `${terminal.glyphs.micro}s`;
	const head = (...texts: string[]): Cell[] => texts.map((text) => ({ text, style: dim }));
	const best = new Map(METRICS.map((metric) => [metric, bestRows(rows, metric)]));
	const body = rows.map((row) => [
		{ text: row.label },
		...METRICS.map((metric) => {
			const isBest = rows.length > 1 && best.get(metric)?.includes(row) === true;
			return figureCell(row.metrics[metric], FORMATS[metric], isBest, terminal);
		}),
		{ text: formatShare(Math.max(row.smallLost, row.largeLost)) },
	]);
	const table = layOut(
		[
			head("", "set-up ", "round trip ", "round trip ", "small ", "large ", "lost"),
			head("", `${us} `, `p50, ${us} `, `p99, ${us} `, "messages/s ", "Gbit/s ", ""),
			...body,
		],
		["left", "right", "right", "right", "right", "right", "right"],
		" ",
	);
	const missing = skipped.map(({ label, reason }) => dim(`${label} was not measured: ${reason}\n`));
	return table + missing.join("");
}

// A star, too, for those who see no colours; its place is kept free in every cell.
function figureCell(
	figure: Estimate | undefined,
	format: (value: number) => string,
	isBest: boolean,
	{ palette, glyphs }: Terminal,
): Cell {
	if (figure === undefined) return { text: "- ", style: palette.dim };
	const percent = Math.min(999, Math.round(spread(figure) * 100));
	const text = `${format(figure.value)} ${glyphs.plusMinus}${percent}%${isBest ? "*" : " "}`;
	return { text, style: isBest ? palette.good : undefined };
}

function legend({ rows, plan }: Report): string {
	const large = [...new Set(rows.map(({ largeBytes }) => formatBytes(largeBytes)))].join(" or ");
	return `* best socket, or not to be told from the best. The percentage says how far the true median may lie off (90 % confidence or more, ${plan.rounds} rounds). Set-up: connect and close. Round trip: ${formatBytes(plan.size)} there and back. Small: ${SMALL_BYTES} B, large: ${large}, sent without a pause; what arrived is counted. Small messages share a system call where the kind allows it: byte streams, UDP towards one peer.`;
}

function promisesTable({ rows }: Report, { palette }: Terminal): string {
	const head = ["", ...PROMISES.map(([, text]) => text)].map((text) => {
		return { text, style: palette.dim };
	});
	const body = rows.map(({ kind, label }: Row) => [
		{ text: label },
		...PROMISES.map(([name]) => {
			const { answer, note } = KINDS[kind].guarantees[name];
			const style = answer === "yes" ? palette.good : palette.dim;
			return { text: name === "identity" ? (note ?? answer) : answer, style };
		}),
	]);
	return layOut([head, ...body], ["left", "left", "left", "left", "left", "left", "left"]);
}

function closing({ isRemote }: Report): string {
	const more = "--html FILE writes this as a page with plots, --json for programs.";
	return isRemote
		? `Round trips include both programs and all that lies between them. ${more}`
		: `Measured between two processes on this machine. Across a network: socketry compare --serve ADDRESS there, --to ADDRESS here. ${more}`;
}
