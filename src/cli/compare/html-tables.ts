/** The tables of the page: every figure with its interval, and what each kind promises. */
import { formatBytes, formatGigabits, formatRate, formatShare, formatUs } from "./figure.ts";
import { type Guarantees, KINDS } from "./kinds.ts";
import { type Markup, markup } from "./markup.ts";
import { SMALL_BYTES } from "./plan.ts";
import type { Report } from "./report.ts";
import { bestRows, METRICS, type Metric, type Row } from "./rows.ts";

const MICRO = "\u00b5s";
const DASH = "\u2013";

/** How each metric is shown. */
export const FORMATS: { readonly [Name in Metric]: (value: number) => string } = {
	setUpUs: formatUs,
	p50Us: formatUs,
	p99Us: formatUs,
	smallPerSecond: formatRate,
	largeBytesPerSecond: formatGigabits,
};

/** Every figure with its interval. */
export function figuresTable({ rows, plan }: Report): Markup {
	const size = formatBytes(plan.size);
	const heads: readonly (readonly [string, string])[] = [
		["Set-up", MICRO],
		[`Round trip, ${size}, median`, MICRO],
		["99 of 100 below", MICRO],
		[`Small, ${SMALL_BYTES} B`, "messages/s"],
		["Large, 64 KiB", "Gbit/s"],
		["Lost, small / large", "when sent without a pause"],
	];
	const best = new Map(METRICS.map((metric) => [metric, bestRows(rows, metric)]));
	const body = rows.map((row) => {
		const cells = METRICS.map((metric) => {
			return figureCell(row, metric, rows.length > 1 && best.get(metric)?.includes(row) === true);
		});
		const lost = `${formatShare(row.smallLost)} / ${formatShare(row.largeLost)}`;
		return markup`<tr><th scope="row">${row.label}${largeNote(row)}</th>${cells}<td>${lost}</td></tr>\n`;
	});
	return markup`<p class="muted" id="figures-note">Medians of ${plan.rounds} rounds; below each, the interval that holds the true median with 90 % confidence or more. Coloured with a star: the best socket, or not to be told from the best.</p>
<div class="scroll" role="region" aria-label="All figures" tabindex="0"><table class="figures" aria-describedby="figures-note">
<thead><tr><th scope="col">Kind</th>${heads.map(([text, unit]) => markup`<th scope="col">${text}<small>${unit}</small></th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div>`;
}

function largeNote({ kind, largeBytes }: Row): Markup | undefined {
	return kind === "udp" ? markup`<small>large: ${formatBytes(largeBytes)}</small>` : undefined;
}

function figureCell(row: Row, metric: Metric, isBest: boolean): Markup {
	const figure = row.metrics[metric];
	if (figure === undefined) return markup`<td class="no">${DASH}</td>`;
	const { value, low, high } = figure;
	const format = FORMATS[metric];
	const text = `${format(value)}${isBest ? " *" : ""}`;
	return markup`<td${isBest ? markup` class="best"` : undefined}>${text}<small>${format(low)}${DASH}${format(high)}</small></td>`;
}

const PROMISES: readonly (readonly [keyof Guarantees, string, string])[] = [
	["ordered", "Ordered", "first sent, first received"],
	["reliable", "Reliable", "nothing is lost while both live"],
	["boundaries", "Whole messages", "one send is one receive"],
	["otherMachines", "Network", "reaches other machines"],
	["descriptors", "Open files", "can be handed over"],
	["identity", "Who is the peer", "as the kernel vouches for it"],
];

/** What each kind promises. */
export function promisesTable({ rows }: Report): Markup {
	const body = rows.map(({ kind, label }) => {
		const cells = PROMISES.map(([name]) => {
			const { answer, note } = KINDS[kind].guarantees[name];
			return markup`<td><span class="${answer}">${answer}</span>${note && markup`<small>${note}</small>`}</td>`;
		});
		return markup`<tr><th scope="row">${label}</th>${cells}</tr>\n`;
	});
	return markup`<div class="scroll" role="region" aria-label="What each kind promises" tabindex="0"><table class="promises">
<thead><tr><th scope="col">Kind</th>${PROMISES.map(([, text, note]) => markup`<th scope="col">${text}<small>${note}</small></th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div>`;
}
