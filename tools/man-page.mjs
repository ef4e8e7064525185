// Holds: a guide becomes a page of man(7) that mandoc and groff have nothing against.

import { aboutOf, capital, sentence } from "./guides.mjs";

/** @typedef {import("../src/cli/guide.ts").Guide} Guide */
/** @typedef {import("../src/cli/guide.ts").OptionGuide} OptionGuide */
/**
 * @typedef {object} Page
 * @property {string} name `socketry connect`
 * @property {string} summary
 * @property {Guide} guide
 * @property {string} version
 * @property {string} date
 * @property {import("./guides.mjs").Guides} all every page there is
 */

const COLUMNS = 78;

const HELP = { short: "h", about: "Print a short help that begins with examples, and leave." };

/**
 * Writes the page.
 *
 * @param {Page} page
 * @returns {string}
 */
export function manPage(page) {
	const { name, summary, guide, version, date } = page;
	const title = name.replace(" ", "-");
	const prose = proseOf(guide);
	const { topics = {}, exits, environment = [], files = [] } = guide;
	const parts = [
		`.TH ${literal(title).toUpperCase()} 1 "${date}" "socketry ${version}" "User Commands"`,
		".nh\n.ad l",
		section("NAME", [broken(`${literal(title)} \\- ${summary}`)]),
		section(
			"SYNOPSIS",
			guide.usage
				.map((form) => synopsis(name, form))
				.join("\n.br\n")
				.split("\n"),
		),
		section("DESCRIPTION", paragraphs(descriptionOf(guide), prose)),
		section("COMMANDS", name === title ? commandsOf(page) : []),
		section("OPTIONS", [...optionsOf(page, prose), ...paragraphs(guide.notes ?? [], prose, true)]),
		...Object.entries(topics).map(([topic, rows]) =>
			section(topic.toUpperCase(), terms(rows, prose)),
		),
		section("JSON LINES", linesOf(guide, prose)),
		section(
			"EXIT STATUS",
			terms(exits, (text) => prose(sentence(text))),
		),
		section("ENVIRONMENT", terms(environment, prose)),
		section("FILES", terms(files, prose)),
		section("EXAMPLES", examplesOf(guide, prose)),
		section("SEE ALSO", seeAlsoOf(page)),
	];
	return `${parts.filter((part) => part !== "").join("\n")}\n`;
}

/** @param {string} title @param {readonly string[]} lines */
function section(title, lines) {
	const body = lines[0] === ".PP" ? lines.slice(1) : lines;
	return body.length === 0 ? "" : [`.SH ${title}`, ...body].join("\n");
}

/** @param {string} name @param {string} form */
function synopsis(name, form) {
	const marked = form.replace(/[A-Z]+|-{1,2}[a-z]*/g, (word) => {
		return word.startsWith("-") ? `\\fB${literal(word)}\\fR` : `\\fI${word}\\fR`;
	});
	return `.B ${name}\n${marked.replaceAll("...", "\\&...")}`;
}

/** @param {Guide} guide */
function descriptionOf({ description, details = [], words }) {
	const hasAddresses = typeof words === "string" && /^(address-|route|from-to)/.test(words);
	const where = hasAddresses ? ["socketry(1) has all forms of addresses."] : [];
	return [...description, ...details, ...where];
}

/** @param {readonly string[]} texts @param {(text: string) => string} prose @param {boolean} [isContinued] */
function paragraphs(texts, prose, isContinued = false) {
	return texts.flatMap((text, i) => [...(i > 0 || isContinued ? [".PP"] : []), prose(text)]);
}

/** @param {readonly (readonly [string, string])[]} rows @param {(text: string) => string} prose */
function terms(rows, prose) {
	return rows.flatMap(([term, meaning]) => [".TP", `.B ${literal(term)}`, prose(meaning)]);
}

/** @param {Page} page @param {(text: string) => string} prose */
function optionsOf({ guide, all }, prose) {
	const rows = Object.entries(guide.options).filter(([, { isHidden }]) => !isHidden);
	const lines = rows.flatMap(([name, option]) => [
		...(option.heading === undefined ? [] : [".PP", prose(option.heading)]),
		".TP",
		optionHead(name, option),
		prose(aboutOf(name, guide, all)),
	]);
	if (guide.options.help === undefined) lines.push(".TP", optionHead("help", HELP), HELP.about);
	return lines;
}

/** @param {string} name @param {OptionGuide} option */
function optionHead(name, { short, value }) {
	const heads = [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
	const head = heads.map((word) => `\\fB${literal(word)}\\fR`).join(", ");
	return value === undefined ? head : `${head} \\fI${literal(value)}\\fR`;
}

/** @param {Page} page */
function commandsOf({ all }) {
	return all.slice(1).flatMap(([command, summary]) => {
		return [".TP", `.BR ${literal(command.replace(" ", "-"))} (1)`, sentence(summary)];
	});
}

/** @param {Guide} guide @param {(text: string) => string} prose */
function linesOf({ lines = {} }, prose) {
	const rows = Object.entries(lines).map(([type, { when, fields }]) => {
		return /** @type {const} */ ([type, `${sentence(when)} Fields: ${fields.join(", ")}.`]);
	});
	if (rows.length === 0) return [];
	const opening =
		"With --json each line is an object. Besides type and v, the version of its form, it has:";
	return [prose(opening), ...terms(rows, prose)];
}

/** @param {Guide} guide @param {(text: string) => string} prose */
function examplesOf({ examples }, prose) {
	return examples.flatMap(({ run, does, heading }) => [
		...(heading === undefined ? [] : [".PP", prose(heading)]),
		...(does === undefined ? [] : [".PP", `${prose(capital(does))}:`]),
		".PP",
		".RS 4",
		".EX",
		literal(run),
		".EE",
		".RE",
	]);
}

/** @param {Page} page */
function seeAlsoOf({ name, guide, all }) {
	const ours =
		name === "socketry"
			? all.slice(1).map(([command]) => `${command.replace(" ", "-")}(1)`)
			: ["socketry(1)"];
	const pages = [...new Set([...ours, ...(guide.seeAlso ?? [])])].map((page) => {
		const [, title = "", chapter = ""] = /^(.*)\((.*)\)$/.exec(page) ?? [];
		return `.BR ${literal(title)} (${chapter})`;
	});
	return pages.map((page, i) => (i < pages.length - 1 ? `${page},` : page));
}

/**
 * Marks up running text: options bold, what stands for something else in italics.
 *
 * @param {Guide} guide
 * @returns {(text: string) => string}
 */
function proseOf({ usage, options }) {
	const values = Object.values(options).map(({ value = "" }) => value);
	const names = new Set(
		[...usage, ...values, "HOST", "PORT", "NAME"].join(" ").match(/\b[A-Z]+\b/g),
	);
	return (text) => {
		const words = text.split(" ").map((word) => {
			if (/^\(?--[a-z]/.test(word))
				return word.replace(/--[a-z-]+/, (option) => `\\fB${literal(option)}\\fR`);
			const bare = word.replace(/[.,:;)]+$/, "").replace(/^\(/, "");
			if (names.has(bare)) return word.replace(bare, `\\fI${bare}\\fR`);
			return /[:/_@=.0-9*]/.test(bare) ? literal(word) : escaped(word);
		});
		return broken(words.join(" "));
	};
}

/** Lines as people write them. @param {string} text */
function broken(text) {
	const lines = [""];
	for (const word of text.split(" ")) {
		const line = lines.at(-1) ?? "";
		if (line === "") lines.splice(-1, 1, word);
		else if (line.length + 1 + word.length > COLUMNS) lines.push(word);
		else lines.splice(-1, 1, `${line} ${word}`);
	}
	return lines.map(begun).join("\n");
}

/** What is to be copied as it stands: every hyphen is one. @param {string} text */
function literal(text) {
	return begun(
		escaped(text).replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("~", "\\(ti"),
	);
}

/** @param {string} text */
function escaped(text) {
	return text
		.replaceAll("\\", "\\e")
		.replaceAll("`", "\\(ga")
		.replaceAll("^", "\\(ha")
		.replaceAll('"', "\\(dq");
}

/** A line must not begin with what begins a request. @param {string} line */
function begun(line) {
	return /^[.']/.test(line) ? `\\&${line}` : line;
}
