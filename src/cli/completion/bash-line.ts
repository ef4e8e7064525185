/** Command lines of bash, which hands on text where other shells hand on words, and takes replies as it would have them typed. */

/** A command line up to the cursor. */
export interface BashLine {
	/** Its words without quotes; the last one is being typed, and may be empty. */
	readonly words: readonly string[];
	/** The quote that is open at the cursor. */
	readonly quote: "" | "'" | '"';
	/** So many characters of the last word bash leaves alone: it takes what follows for a word of its own. */
	readonly keptLength: number;
}

/** What stands for itself in a word. */
const PLAIN = /^[\w./:@%+=,^\u0080-\uffff-]*$/;

/**
 * Takes a command line apart.
 *
 * @param text up to the cursor
 * @param breaks COMP_WORDBREAKS of bash
 */
export function readBashLine(text: string, breaks: string): BashLine {
	const reader = new Reader(breaks);
	for (let i = 0; i < text.length; i++) {
		const char = text.charAt(i);
		if (char !== "\\" || reader.quote === "'") reader.take(char);
		else reader.takePlain(text.charAt(++i));
	}
	const { quote, keptLength } = reader;
	return { words: [...reader.words, reader.word], quote, keptLength };
}

class Reader {
	readonly words: string[] = [];
	word = "";
	quote: BashLine["quote"] = "";
	keptLength = 0;
	readonly #breaks: string;
	#isWord = false;

	constructor(breaks: string) {
		this.#breaks = breaks;
	}

	take(char: string): void {
		if (this.quote !== "" && char !== this.quote) this.takePlain(char);
		else if (char === "'" || char === '"') this.#takeQuote(char);
		else if (/\s/.test(char)) this.#end();
		else this.#takeBare(char);
	}

	takePlain(char: string): void {
		this.word += char;
		this.#isWord = true;
	}

	#takeQuote(char: "'" | '"'): void {
		if (this.quote === "") this.keptLength = this.word.length;
		this.quote = this.quote === "" ? char : "";
		this.#isWord = true;
	}

	#takeBare(char: string): void {
		const isBreak = this.#breaks.includes(char);
		// bash takes the @ into the word that it begins.
		if (isBreak && char === "@") this.keptLength = this.word.length;
		this.takePlain(char);
		if (isBreak && /[:=]/.test(char)) this.keptLength = this.word.length;
	}

	#end(): void {
		if (this.#isWord) this.words.push(this.word);
		this.word = "";
		this.#isWord = false;
		this.keptLength = 0;
	}
}

/** Chooses what begins with the last word, and writes it as bash would have it typed. */
export function bashReplies(values: readonly string[], line: BashLine): string[] {
	const typed = line.words.at(-1) ?? "";
	return values
		.filter((value) => value.startsWith(typed))
		.map((value) => quoted(value.slice(line.keptLength), line.quote))
		.filter((reply) => reply !== undefined);
}

function quoted(text: string, quote: BashLine["quote"]): string | undefined {
	if (quote === "'") return text.includes("'") ? undefined : text;
	// There a "!" is history, with a backslash before it too, which would stay.
	if (quote === '"' && text.includes("!")) return undefined;
	if (quote === '"') return text.replace(/["$`\\]/g, "\\$&");
	return PLAIN.test(text) ? text : text.replace(/[^\w./:@%+=,^\u0080-\uffff-]/g, "\\$&");
}
