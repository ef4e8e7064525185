import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { renderHtml } from "#src/cli/compare/html.ts";
import { renderJson } from "#src/cli/compare/json.ts";
import { plotBands } from "#src/cli/compare/plot.ts";
import { renderText } from "#src/cli/compare/text.ts";
import { Terminal } from "#src/cli/terminal.ts";
import { ALL_ROWS, inventReport, inventRow } from "./sample-report.ts";

const report = inventReport(ALL_ROWS);

test("the tables fit 80 columns, with signs and without", () => {
	for (const env of [{ LANG: "C.UTF-8" }, { LANG: "C" }]) {
		const text = renderText(report, new Terminal(new Writable() as NodeJS.WriteStream, env));
		const tooWide = text.split("\n").filter((line) => line.length > 80);
		// What the machine calls itself may be of any length.
		assert.deepEqual(
			tooWide.filter((line) => !line.startsWith("Machine")),
			[],
		);
		assert.match(text, env.LANG === "C" ? /14\.0 us/ : /14\.0 \u00b5s/);
		assert.doesNotMatch(text, /NaN|undefined|Infinity/);
		if (env.LANG === "C") assert.doesNotMatch(text, /[^\n\x20-\x7e]/);
	}
});

test("every line of JSON has a type and a version, and the metrics are the documented ones", () => {
	const lines = parseLines(renderJson(report));
	assert.ok(lines.every(({ type, v }) => typeof type === "string" && v === 1));
	assert.equal(lines[0]?.["type"], "environment");
	assert.equal(lines.at(-1)?.["type"], "summary");
	const results = lines.filter(({ type }) => type === "result");
	const metrics = (kind: string): unknown[] => {
		return results.filter((each) => each["kind"] === kind).map(({ metric }) => metric);
	};
	const all = ["set_up", "round_trip_p50", "round_trip_p99", "small", "large"];
	assert.deepEqual(metrics("tcp"), all);
	assert.deepEqual(metrics("pipe"), all.slice(1));
	for (const { value, low, high, better, rounds } of results) {
		assert.ok((low as number) <= (value as number) && (value as number) <= (high as number));
		assert.match(String(better), /^(higher|lower)$/);
		assert.equal((rounds as number[]).length, 9);
	}
});

test("that the machine was busy is said on the page and in the text, and not of an idle one", () => {
	const busy = { ...report, environment: { ...report.environment, load: 9.6 } };
	const terminal = new Terminal(new Writable() as NodeJS.WriteStream, { NO_COLOR: "1" });
	for (const render of [renderHtml, (each: typeof report) => renderText(each, terminal)]) {
		assert.match(render(busy), /The machine was busy before \(load 9\.6\)/);
		assert.doesNotMatch(render(report), /was busy/);
	}
});

test("the guarantees in JSON are plain truths", () => {
	const guarantees = parseLines(renderJson(report)).filter(({ type }) => type === "guarantees");
	const udp = guarantees.find(({ kind }) => kind === "udp");
	assert.deepEqual(udp, {
		type: "guarantees",
		v: 1,
		kind: "udp",
		ordered: false,
		reliable: false,
		boundaries: true,
		other_machines: true,
		descriptors: false,
		identity: false,
	});
});

test("the page is well-formed, and complete in itself", () => {
	for (const each of [report, inventReport(ALL_ROWS, true), inventReport([inventRow("udp")])]) {
		const page = renderHtml(each);
		assertWellFormed(page);
		assert.doesNotMatch(page, /<script|<link|<img|\ssrc=|\shref=|url\(|@import|https?:/);
		assert.doesNotMatch(page, /NaN|undefined|Infinity|\[object/);
		assert.doesNotMatch(page, /[^\n\t\x20-\x7e]/);
		assert.match(page, /^<!doctype html>\n<html lang="en">/);
	}
});

test("the page escapes what the machine says of itself", () => {
	const page = renderHtml(report);
	assert.match(page, /&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt; &amp; &#39;more&#39;/);
});

test("every figure of the page is in a table with heads for rows and columns", () => {
	const page = renderHtml(report);
	assert.equal(page.match(/<th scope="row">/g)?.length, 2 * ALL_ROWS.length);
	assert.ok((page.match(/<th scope="col">/g)?.length ?? 0) > 10);
	assert.equal(page.match(/<svg [^>]*role="img" aria-label="/g)?.length, 4);
});

function parseLines(text: string): Record<string, unknown>[] {
	return text
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
}

/** Elements are closed in the order they were opened, attributes are quoted, and no sign is left bare. */
function assertWellFormed(page: string): void {
	const empty = new Set(["meta", "!doctype"]);
	const open: string[] = [];
	const styleless = page.replace(/<style>[\s\S]*?<\/style>/, "");
	for (const [tag, slash, name = "", attributes = ""] of styleless.matchAll(
		/<(\/?)([a-z!][a-z0-9]*)([^<>]*)>/g,
	)) {
		if (slash) assert.equal(open.pop(), name, `at ${tag}`);
		else {
			assert.match(attributes, /^(\s+[a-zA-Z0-9-]+="[^"]*"|\s+html)*\s*\/?$/, tag);
			if (!attributes.endsWith("/") && !empty.has(name)) open.push(name);
		}
	}
	assert.deepEqual(open, []);
	const text = styleless.replace(/<[^<>]+>/g, "");
	assert.doesNotMatch(text, /[<>]|&(?!(#\d+|[a-z]+);)/);
}

test("labels of a logarithmic axis keep clear of each other", () => {
	const band = { label: "x", text: "", from: 13, to: 14, middle: 13, far: 1361, isBest: true };
	const svg = plotBands("Round trip", [band], "us").text;
	const places = [...svg.matchAll(/class="tick" x="([\d.]+)".*middle/g)].map(([, x]) => Number(x));
	assert.ok(places.length >= 3, svg);
	for (const [i, x] of places.slice(1).entries())
		assert.ok(x - (places[i] ?? 0) >= 34, `${places}`);
});
