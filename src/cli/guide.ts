/**
 * What a command says about itself: the one source of its `--help`, its man page, its completion, and the table that its command line is parsed by.
 *
 * A guide imports nothing, so that all of this is there at once.
 */

/** What can be written in a place, for completion. A list is the values themselves. */
export type Completes =
	| "address-to-connect"
	| "address-of-server"
	| "address-to-listen"
	| "route"
	| "from-to"
	| "socket-word"
	| "file"
	| "user"
	| "access"
	| "owner"
	| "process"
	| "pid"
	| "port"
	| "path"
	| readonly string[];

/** One option, by its long name without dashes. */
export interface OptionGuide {
	/** One letter. */
	readonly short?: string;
	/** What stands for its value in texts; an option without one is a switch. */
	readonly value?: string;
	/** Whether it may be repeated. */
	readonly multiple?: boolean;
	/** Its row of `--help`. Without one it is named in the row of another option. */
	readonly text?: string;
	/** Options that share this row. */
	readonly with?: readonly string[];
	/** A line above this row: the first of a group of options. */
	readonly heading?: string;
	/** Its text in the man page, where that of `--help` is too short. */
	readonly about?: string;
	/** Name of the command whose option of the same name has the text for the man page. */
	readonly like?: string;
	/** What its value can be, and whether it takes several with commas between them. */
	readonly completes?: Completes;
	readonly isList?: boolean;
	/** Left out of all texts: an option that a program starts itself with. */
	readonly isHidden?: boolean;
}

/** The options of a command, in the order of its help. */
export type OptionGuides = Readonly<Record<string, OptionGuide>>;

/** A command line to copy. */
export interface Example {
	readonly run: string;
	/** What it is for; without it the line speaks for itself. */
	readonly does?: string;
	/** A line above it. */
	readonly heading?: string;
}

/** What one line of `--json` is. */
export interface LineGuide {
	/** When it is written. */
	readonly when: string;
	/** Its fields, besides `type` and `v`; which of them are there depends on the case. */
	readonly fields: readonly string[];
}

/** All that a command says about itself. Its summary is in the catalogue. */
export interface Guide {
	readonly examples: readonly Example[];
	/** What follows the command's name, a line for each form. */
	readonly usage: readonly string[];
	/** Paragraphs of `--help` and of the man page. */
	readonly description: readonly string[];
	/** Further paragraphs of the man page. */
	readonly details?: readonly string[];
	/** What a word can be that is no option. */
	readonly words?: Completes;
	/** How many such words there can be; any number without it. */
	readonly wordsMax?: number;
	/** Whether a program may follow `--`. */
	readonly runsProgram?: boolean;
	readonly options: OptionGuides;
	/** Paragraphs after the options. */
	readonly notes?: readonly string[];
	/** Further sections of the man page: titles, with terms and what they mean. */
	readonly topics?: Readonly<Record<string, readonly (readonly [term: string, meaning: string])[]>>;
	/** Lines of `--json` by their `type`. */
	readonly lines?: Readonly<Record<string, LineGuide>>;
	/** Exit codes, each with its meaning. */
	readonly exits: readonly (readonly [code: string, meaning: string])[];
	/** Files, and variables of the environment, each with its meaning: of the man page. */
	readonly files?: readonly (readonly [path: string, meaning: string])[];
	readonly environment?: readonly (readonly [name: string, meaning: string])[];
	/** Other man pages, such as `tcp(7)`; socketry(1) goes without saying. */
	readonly seeAlso?: readonly string[];
}
