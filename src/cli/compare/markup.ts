/** HTML that cannot be broken by what is put into it. */

/** Text that is HTML already. */
export class Markup {
	readonly text: string;

	/** @param text goes into the page as it is */
	constructor(text: string) {
		this.text = text;
	}
}

type Part = string | number | Markup | undefined | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

/** Joins literal HTML and values: texts are escaped, markup and lists of it are taken as they are, undefined is nothing. */
export function markup(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
	const text = literals.map((literal, i) => literal + render(parts[i]));
	return new Markup(text.join(""));
}

function render(part: Part): string {
	if (part === undefined) return "";
	if (part instanceof Markup) return part.text;
	if (typeof part === "object") return part.map(render).join("");
	const ascii = String(part).replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);
	// Plain ASCII survives being saved, mailed and served with any encoding.
	return ascii.replace(/[^\n\t\x20-\x7e]/gu, (sign) => `&#${sign.codePointAt(0)};`);
}
