/** The report as one page: no scripts, nothing loaded from anywhere. */
import { busyWarning } from "./environment.ts";
import { withMicro } from "./figure.ts";
import { FORMATS, figuresTable, promisesTable } from "./html-tables.ts";
import { type Markup, markup } from "./markup.ts";
import { RANKS } from "./measure.ts";
import { SMALL_BYTES } from "./plan.ts";
import { type Band, plotBands, plotBars } from "./plot.ts";
import type { Report } from "./report.ts";
import { bestRows, type Metric } from "./rows.ts";
import { STYLE } from "./style.ts";

const MICRO = "\u00b5";
const LOW: number = RANKS.indexOf(0.05);
const HIGH: number = RANKS.indexOf(0.95);

/** Writes the page. */
export function renderHtml(report: Report): string {
	const { environment, isRemote, skipped } = report;
	const where = isRemote ? "between two programs" : "on one machine";
	const warning = busyWarning(environment);
	const busy = warning === undefined ? [] : [markup`\n<p class="warning">${warning}</p>`];
	const missing = skipped.map(({ label, reason }) => {
		return markup`<p class="muted">${label} was not measured: ${reason}</p>`;
	});
	return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>TCP, UDP or Unix socket? Measured ${where}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>TCP, UDP or Unix socket?</h1>
<p class="muted">Measured ${where}, ${day(environment.date)}: ${environment.machine}, ${environment.kernel}, Node ${environment.node}</p>${busy}
</header>
<main>
${adviceSection(report)}
${plotSection(report)}
<section><h2>All figures</h2>
${figuresTable(report)}
${missing}</section>
<section><h2>What each kind promises</h2>
${promisesTable(report)}
</section>
${methodSection(report)}
</main>
<footer><p class="muted">Made by <code>socketry compare</code> ${environment.socketry}.</p></footer>
</body>
</html>
`.text;
}

function adviceSection({ advice }: Report): Markup {
	const cards = advice.map(({ when, use, why }) => {
		return markup`<article class="card"><h3>${when}</h3><p class="use">${use}</p><p class="why">${withOptions(withMicro(why, MICRO))}</p></article>\n`;
	});
	return markup`<section><h2>Which one, when</h2>\n<div class="cards">\n${cards}</div></section>`;
}

// An option is not broken at its hyphens.
function withOptions(text: string): Markup[] {
	return text.split(/(--[a-z]+)/).map((part) => {
		return part.startsWith("--") ? markup`<code>${part}</code>` : markup`${part}`;
	});
}

function plotSection(report: Report): Markup {
	const { plan } = report;
	const bars = (name: string, metric: Metric, caption: string): Markup => {
		return markup`<figure><h3>${name}</h3>${barsOf(report, name, metric)}<figcaption>${caption}</figcaption></figure>\n`;
	};
	return markup`<section><h2>What each kind costs</h2>
<p class="muted">Strong colour: the best socket, or not to be told from the best. Thin lines: where the true median lies, with 90 % confidence or more.</p>
<div class="plots">
<figure><h3>Round trip of ${plan.size} bytes</h3>${bandsOf(report)}<figcaption>Dot: median. Band: nine of ten round trips. Line: 99 of 100 are below. Logarithmic; shorter is better.</figcaption></figure>
${bars(`Small messages, ${SMALL_BYTES} bytes, per second`, "smallPerSecond", "Sent without a pause, counted where they arrive. Where the kind allows, small messages share a system call: byte streams always, UDP towards one peer. More is better.")}
${bars("Large messages, Gbit/s", "largeBytesPerSecond", "64 KiB each, counted where they arrive. More is better.")}
${bars(`Set-up, ${MICRO}s`, "setUpUs", "To connect and close; for UDP and Unix datagrams, to open and close. Less is better.")}
</div></section>`;
}

function barsOf({ rows }: Report, name: string, metric: Metric): Markup {
	const best = bestRows(rows, metric);
	const bars = rows.flatMap((row) => {
		const figure = row.metrics[metric];
		if (figure === undefined) return [];
		const { value, low, high } = figure;
		const text = FORMATS[metric](value);
		return [{ label: row.label, text, value, low, high, isBest: best.includes(row) }];
	});
	return plotBars(name, bars);
}

function bandsOf({ rows, plan }: Report): Markup {
	const best = bestRows(rows, "p50Us");
	const bands: Band[] = rows.map((row) => ({
		label: row.label,
		text: `${FORMATS.p50Us(row.metrics.p50Us?.value ?? Number.NaN)} ${MICRO}s`,
		from: row.roundTripUs[LOW] as number,
		to: row.roundTripUs[HIGH] as number,
		middle: row.metrics.p50Us?.value as number,
		far: row.metrics.p99Us?.value as number,
		isBest: best.includes(row),
	}));
	return plotBands(`Round trip of ${plan.size} bytes`, bands, `${MICRO}s`);
}

function methodSection({ environment, isRemote, plan, rows }: Report): Markup {
	const { date, machine, processors, virtual, kernel, node, load } = environment;
	const facts: readonly (readonly [string, string])[] = [
		["Date", date],
		["Machine", `${machine}, ${processors} processors${virtual ? ", virtual" : ""}`],
		["Kernel", kernel],
		["Node", node],
		["Load before", load.toFixed(2)],
		["Rounds", `${plan.rounds}, after one to warm up`],
		["Round trips", rows.map((row) => `${row.label} ${row.roundTrips}`).join(", ")],
		["Places", rows.map(({ place }) => place).join(", ")],
	];
	const parties = isRemote
		? "This program talked to the servers named below; what lies between them is part of every figure."
		: "Two processes on this machine talked to each other; no network was between them, and neither was bound to a processor.";
	return markup`<section><h2>How it was measured</h2>
<p>${parties} Both used socketry, one message at a time for the round trips, and as many as there was room for in one direction. Each round measured all kinds in turn, in changing order, so that a slow moment of the machine befell all of them.</p>
<p>A figure is the median of its rounds. Its interval lies between two of the measured values and assumes nothing about how they are distributed. Two kinds whose intervals overlap, or that differ by less than 5 %, are called no different.</p>
<dl class="facts">${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>
</section>`;
}

function day(date: string): string {
	return date.slice(0, 10);
}
