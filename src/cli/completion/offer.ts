/** What can be written at the end of a command line. */
import type { Catalog } from "../command.ts";
import type { Guide, OptionGuide } from "../guide.ts";
import { valuesFor } from "./values.ts";

/** One thing to write. */
export interface Candidate {
	readonly value: string;
	/** A few words about it. */
	readonly about?: string;
}

/** What to offer; files, and the command line of another program, are left to the shell. */
export type Offer = readonly Candidate[] | "file" | "program";

const FIRST_SENTENCE = /^.*?[.](?= |$)|^.*$/;

/**
 * Finds out what the last of some words can be.
 *
 * @param words what follows `socketry`; the last one may be empty
 */
export async function offerFor(words: readonly string[], catalog: Catalog): Promise<Offer> {
	const [first = "", ...rest] = words;
	if (rest.length === 0 && first.startsWith("-")) {
		return optionsOf((await import("../overview.ts")).OVERVIEW, new Set(), catalog);
	}
	const commands = Object.entries(catalog).map(([value, { summary: about }]) => ({ value, about }));
	if (rest.length === 0) return [...commands, { value: "help", about: "the help of a command" }];
	if (first === "help") return rest.length === 1 ? commands : [];
	const entry = Object.hasOwn(catalog, first) ? catalog[first] : undefined;
	return entry === undefined ? [] : await offerOf((await entry.load()).guide, rest, catalog);
}

async function offerOf(guide: Guide, words: readonly string[], catalog: Catalog): Promise<Offer> {
	const { used, others, option, isProgram } = read(words.slice(0, -1), guide);
	const word = words.at(-1) ?? "";
	if (isProgram) return guide.runsProgram ? "program" : [];
	if (option !== undefined) return await valuesOf(option, word, "");
	const [, opening = "", name = "", value = ""] = /^(--([a-z-]+)=)(.*)$/s.exec(word) ?? [];
	if (opening !== "") return await valuesOf(guide.options[name] ?? {}, value, opening);
	if (word.startsWith("-")) return await optionsOf(guide, used, catalog);
	const { words: completes, wordsMax = Number.POSITIVE_INFINITY } = guide;
	if (completes === undefined || others.length >= wordsMax) return [];
	return await valuesFor(completes, word, others);
}

interface Before {
	/** Names of options that are there. */
	readonly used: ReadonlySet<string>;
	/** Words that are no options. */
	readonly others: readonly string[];
	/** The option that waits for its value. */
	readonly option: OptionGuide | undefined;
	/** Whether it is another program's command line by now. */
	readonly isProgram: boolean;
}

function read(words: readonly string[], { options }: Guide): Before {
	const used = new Set<string>();
	const others: string[] = [];
	let option: OptionGuide | undefined;
	for (const word of words) {
		if (option !== undefined) option = undefined;
		else if (word === "--") return { used, others, option, isProgram: true };
		else if (word.startsWith("--")) {
			const name = word.slice(2);
			used.add(name.replace(/=.*$/s, ""));
			if (options[name]?.value !== undefined) option = options[name];
		} else if (!word.startsWith("-")) others.push(word);
	}
	return { used, others, option, isProgram: false };
}

async function optionsOf(
	{ options }: Guide,
	used: ReadonlySet<string>,
	catalog: Catalog,
): Promise<Candidate[]> {
	const entries = Object.entries(options).filter(([name, { isHidden, multiple }]) => {
		return !isHidden && (multiple || !used.has(name));
	});
	const candidates = entries.map(async ([name, option]) => {
		return { value: `--${name}`, about: await aboutOf(name, option, catalog) };
	});
	const help = options["help"] === undefined ? [{ value: "--help", about: "A short help" }] : [];
	return [...(await Promise.all(candidates)), ...help];
}

// The first sentence of its text, or of the text of the command that has it too.
async function aboutOf(
	name: string,
	{ about, text, like }: OptionGuide,
	catalog: Catalog,
): Promise<string> {
	const own = about ?? (like === undefined ? text : undefined);
	if (own !== undefined) return (FIRST_SENTENCE.exec(own)?.[0] ?? own).replace(/\.$/, "");
	const other = like === undefined ? undefined : await catalog[like]?.load();
	const option = other?.guide.options[name];
	return option === undefined ? (text ?? "") : await aboutOf(name, option, catalog);
}

// `opening` is what stands before the value in the same word: `--kind=`.
async function valuesOf(
	{ completes, isList }: OptionGuide,
	word: string,
	opening: string,
): Promise<Offer> {
	if (completes === undefined) return [];
	const done = isList ? word.slice(0, word.lastIndexOf(",") + 1) : "";
	const taken = done.split(",");
	const offer = await valuesFor(completes, word.slice(done.length), []);
	if (typeof offer === "string") return opening === "" ? offer : [];
	return offer
		.filter(({ value }) => !isList || !taken.includes(value))
		.map((candidate) => ({ ...candidate, value: `${opening}${done}${candidate.value}` }));
}
