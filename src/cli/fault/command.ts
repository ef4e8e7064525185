/** `socketry fault`: its help at once, all else when it runs. */
import type { Command } from "../command.ts";
import { HELP } from "./help.ts";

/** The command. */
export const fault: Command = {
	help: HELP,
	run: async (args, context) => (await import("./run.ts")).run(args, context),
};
