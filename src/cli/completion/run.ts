/** What `socketry completion` does: prints a script, or answers one. */
import type { Catalog, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { bashReplies, readBashLine } from "./bash-line.ts";
import { OPTIONS } from "./guide.ts";
import { type Candidate, offerFor } from "./offer.ts";
import { SCRIPTS } from "./scripts.ts";

const ASSIGNMENT = /^[A-Za-z_]\w*=/;
const CONTROL = /\p{Cc}/u;

/** Runs it. */
export async function run(args: readonly string[], { out, catalog }: Context): Promise<number> {
	const { values, words, program = [] } = parseCommandLine(args, OPTIONS);
	if (values.words !== undefined) {
		out.write(
			values.words === "bash" ? await answerBash(program, catalog) : await answer(program, catalog),
		);
		return EXIT.done;
	}
	const [shell, another] = words;
	const script = shell !== undefined && Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
	if (script === undefined || another !== undefined) {
		throw new UsageError("say for which shell: bash, zsh or fish");
	}
	out.write(script);
	return EXIT.done;
}

// A line for each candidate, with a tab before what is said about it. What is left to the shell has no candidate before the tab.
async function answer(words: readonly string[], catalog: Catalog): Promise<string> {
	const offer = await offerFor(withoutProgram(words), catalog);
	if (typeof offer === "string") return `\t${offer}\n`;
	return sendable(offer)
		.map(({ value, about = "" }) => `${value}\t${about.split(CONTROL).join(" ")}\n`)
		.join("");
}

async function answerBash(
	[breaks = "", text = ""]: readonly string[],
	catalog: Catalog,
): Promise<string> {
	const line = readBashLine(text, breaks);
	const offer = await offerFor(withoutProgram(line.words), catalog);
	if (typeof offer === "string") return `\t${offer}\n`;
	const replies = bashReplies(
		sendable(offer).map(({ value }) => value),
		line,
	);
	return replies.map((reply) => `${reply}\n`).join("");
}

function withoutProgram(words: readonly string[]): readonly string[] {
	const at = words.findIndex((word) => !ASSIGNMENT.test(word));
	return words.slice(at + 1);
}

// Names of others may hold anything; a line feed would make two of one.
function sendable(offer: readonly Candidate[]): Candidate[] {
	const fit = offer.filter(({ value }) => !CONTROL.test(value));
	return [...new Map(fit.map((candidate) => [candidate.value, candidate])).values()];
}
