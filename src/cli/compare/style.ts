/** How the page looks: light, dark, on a phone, on paper. */
import { Markup } from "./markup.ts";

/** The style sheet. */
export const STYLE: Markup = new Markup(`
:root {
	color-scheme: light dark;
	--page: #ffffff; --text: #1b1f24; --muted: #57606a; --line: #d5dbe1; --panel: #f5f7f9;
	--bar: #a9c8ea; --best: #1565c0; --good: #1a6e36; --warning: #9a4a00;
}
@media (prefers-color-scheme: dark) {
	:root {
		--page: #11151a; --text: #e6e9ec; --muted: #9aa5b1; --line: #323a44; --panel: #1a2027;
		--bar: #35557a; --best: #66aef5; --good: #67c587; --warning: #f0a860;
	}
}
@media print {
	:root {
		color-scheme: light;
		--page: #ffffff; --text: #000000; --muted: #444444; --line: #bbbbbb; --panel: #ffffff;
		--bar: #b5cfe8; --best: #1565c0; --good: #1a6e36; --warning: #9a4a00;
	}
}
* { box-sizing: border-box; }
body {
	margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem;
	background: var(--page); color: var(--text);
	font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0; font-weight: 600; }
p { margin: .3rem 0; max-width: 46rem; }
small, .muted, figcaption { color: var(--muted); font-size: .86rem; }
.warning { color: var(--warning); font-weight: 600; }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
.card h3 { font-weight: 400; color: var(--muted); font-size: .9rem; }
.card .use { font-size: 1.1rem; font-weight: 600; margin: .1rem 0 .3rem; }
.card .why { font-size: .92rem; margin: 0; }
.plots { display: grid; gap: 1.6rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; break-inside: avoid; }
svg { display: block; width: 100%; height: auto; margin: .3rem 0; }
svg text { fill: var(--text); font-size: 13px; font-family: inherit; }
svg .tick { fill: var(--muted); font-size: 11px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .bar { fill: var(--bar); }
svg .bar.best { fill: var(--best); }
svg .mark { stroke: var(--text); stroke-width: 1.5; fill: none; }
svg .dot { fill: var(--text); stroke: var(--page); stroke-width: 1.5; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; font-size: .86rem; font-weight: 600; }
tbody th { position: sticky; left: 0; background: var(--page); font-weight: 600; white-space: nowrap; }
td small, th small { display: block; font-weight: 400; }
.figures td small { white-space: nowrap; }
.promises td { min-width: 5.5rem; }
.plots { margin-top: 1.2rem; }
@media (max-width: 40rem) {
	table { font-size: .9rem; }
	th, td { padding-right: .5rem; }
	tbody th { white-space: normal; max-width: 5.6rem; }
	.figures thead th { min-width: 4.2rem; }
}
.figures td, .figures thead th:not(:first-child) { text-align: right; }
.best { color: var(--best); font-weight: 600; }
.yes { color: var(--good); font-weight: 600; }
.no { color: var(--muted); }
dl.facts { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1rem; margin: .6rem 0; }
dl.facts dt { color: var(--muted); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
code { white-space: nowrap; }
footer { margin-top: 2.4rem; border-top: 1px solid var(--line); padding-top: .6rem; }
@media print {
	body { font-size: 10pt; line-height: 1.3; max-width: none; padding: 0; }
	section, .card { break-inside: avoid; }
	h2 { margin-top: 1.4rem; }
	table { font-size: 9pt; }
	th, td { padding-top: .2rem; padding-bottom: .2rem; }
	.promises td { min-width: 0; }
	.scroll { overflow: visible; }
	svg, .card { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`);
