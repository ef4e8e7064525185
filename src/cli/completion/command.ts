/** `socketry completion`: its guide at once, all else when it runs. */
import type { Command } from "../command.ts";
import { GUIDE } from "./guide.ts";

/** The command. */
export const completion: Command = {
	guide: GUIDE,
	run: async (args, context) => (await import("./run.ts")).run(args, context),
};
