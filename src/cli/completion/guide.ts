/** What `socketry completion` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	words: { value: "SHELL", isHidden: true },
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: 'eval "$(socketry completion bash)"', does: "for ~/.bashrc" },
		{ run: 'eval "$(socketry completion zsh)"', does: "for ~/.zshrc, after compinit" },
		{ run: "socketry completion fish | source", does: "for ~/.config/fish/config.fish" },
	],
	usage: ["bash|zsh|fish"],
	description: [
		"Prints a script by which a shell completes commands, options and their values, and what is alive on this machine: ports and sockets on which somebody listens to connect to, and the processes and users that have sockets for ls.",
	],
	details: [
		"The script asks the program on each TAB, so that it need not be made anew for another version. What is written after -- is completed as the command line of the program that it is.",
	],
	words: ["bash", "zsh", "fish"],
	wordsMax: 1,
	options: OPTIONS,
	files: [
		[
			"~/.local/share/bash-completion/completions/socketry",
			"Where bash finds the script by itself, with the package bash-completion.",
		],
		["~/.config/fish/completions/socketry.fish", "Where fish finds the script by itself."],
	],
	seeAlso: ["bash(1)", "zshcompsys(1)", "fish(1)"],
	exits: [
		["0", "done"],
		["2", "wrong usage"],
	],
};
