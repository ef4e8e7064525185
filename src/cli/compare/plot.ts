/** Plots as SVG, drawn for the width of a phone; colours come from the page's style sheet. */
import { type Markup, markup } from "./markup.ts";

/** One line of a plot. */
export interface Bar {
	readonly label: string;
	/** The figure as text. */
	readonly text: string;
	readonly value: number;
	/** Interval of the true median. */
	readonly low: number;
	readonly high: number;
	readonly isBest: boolean;
}

/** One line of a plot of distributions, all in the same unit. */
export interface Band {
	readonly label: string;
	/** The median as text. */
	readonly text: string;
	/** Where the band begins and ends, the median, and a far quantile. */
	readonly from: number;
	readonly to: number;
	readonly middle: number;
	readonly far: number;
	readonly isBest: boolean;
}

const WIDTH = 360;
const LEFT = 112;
const RIGHT = 62;
const ROOM: number = WIDTH - LEFT - RIGHT;
const ROW = 30;
const THICK = 16;
const FOOT = 22;
// What "1,000" takes below an axis, with a gap; a line whose label has no room stands without one.
const LABEL_ROOM = 34;

/** Bars from zero, each with its interval. */
export function plotBars(name: string, bars: readonly Bar[]): Markup {
	const most = Math.max(...bars.map(({ high, value }) => Math.max(high, value)));
	const x = (value: number): number => LEFT + (value / most) * ROOM;
	const lines = bars.map((bar, i) => {
		const y = i * ROW + ROW / 2;
		const { label, text, value, low, high, isBest } = bar;
		return markup`
<text x="0" y="${y + 4}">${label}</text>
<rect class="bar${isBest ? " best" : ""}" x="${LEFT}" y="${y - THICK / 2}" width="${px(x(value) - LEFT)}" height="${THICK}" rx="2"/>
<path class="mark" d="M${px(x(low))} ${y}H${px(x(high))}M${px(x(low))} ${y - 4}v8M${px(x(high))} ${y - 4}v8"/>
<text x="${WIDTH}" y="${y + 4}" text-anchor="end">${text}</text>`;
	});
	return frame(name, bars.length * ROW, lines);
}

/** Bands over a logarithmic axis, each with its median and a far quantile. */
export function plotBands(name: string, bands: readonly Band[], unit: string): Markup {
	const low = Math.min(...bands.map(({ from }) => from));
	const high = Math.max(...bands.map(({ to, far }) => Math.max(to, far)));
	const start = Math.log(low / 1.1);
	const span = Math.log(high * 1.1) - start;
	const x = (value: number): number => LEFT + ((Math.log(value) - start) / span) * ROOM;
	const height = bands.length * ROW;
	let nextLabel = 0;
	const grid = ticks(low, high).map((value) => {
		const at = x(value);
		const line = markup`
<line class="grid" x1="${px(at)}" x2="${px(at)}" y1="0" y2="${height}"/>`;
		if (at < nextLabel) return line;
		nextLabel = at + LABEL_ROOM;
		return markup`${line}
<text class="tick" x="${px(at)}" y="${height + 14}" text-anchor="middle">${value.toLocaleString("en-US")}</text>`;
	});
	const lines = bands.map(({ label, text, from, to, middle, far, isBest }, i) => {
		const y = i * ROW + ROW / 2;
		return markup`
<text x="0" y="${y + 4}">${label}</text>
<rect class="bar${isBest ? " best" : ""}" x="${px(x(from))}" y="${y - THICK / 2}" width="${px(Math.max(2, x(to) - x(from)))}" height="${THICK}" rx="2"/>
<path class="mark" d="M${px(x(far))} ${y - THICK / 2}v${THICK}"/>
<circle class="dot" cx="${px(x(middle))}" cy="${y}" r="4.5"/>
<text x="${WIDTH}" y="${y + 4}" text-anchor="end">${text}</text>`;
	});
	const axis = markup`<text class="tick" x="${WIDTH}" y="${height + 14}" text-anchor="end">${unit}</text>`;
	return frame(name, height + FOOT, [...grid, ...lines, axis]);
}

function frame(name: string, height: number, content: readonly Markup[]): Markup {
	return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${name}; the table below has all figures">${content}
</svg>`;
}

// As few round numbers as give a scale: 1, 2, 5, or more between for a narrow range, or powers of ten for a wide one.
function ticks(low: number, high: number): number[] {
	const within = (steps: readonly number[]): number[] => {
		const all: number[] = [];
		for (let power = 10 ** Math.floor(Math.log10(low)); power <= high * 1.1; power *= 10) {
			all.push(...steps.map((step) => step * power));
		}
		return all.filter((value) => value >= low / 1.1 && value <= high * 1.1);
	};
	const usual = within([1, 2, 5]);
	if (usual.length > 6) return within([1]);
	return usual.length >= 3 ? usual : within([1, 1.5, 2, 3, 4, 6, 8]);
}

function px(value: number): string {
	return value.toFixed(1);
}
