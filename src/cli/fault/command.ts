/** `socketry fault`: its guide at once, all else when it runs. */
import type { Command } from "../command.ts";
import { GUIDE } from "./guide.ts";

/** The command. */
export const fault: Command = {
	guide: GUIDE,
	carries: true,
	run: async (args, context) => (await import("./run.ts")).run(args, context),
};
