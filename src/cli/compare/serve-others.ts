/** `socketry compare --serve`: answers comparisons that others make, until it is told to stop. */
import { once } from "node:events";
import { type Address, formatAddress } from "../../index.ts";
import type { Context } from "../command.ts";
import { type Server, serve } from "./serve.ts";

/** Serves at all addresses until the signal. */
export async function serveOthers(
	addresses: readonly Address[],
	json: boolean,
	{ out, err, signal }: Context,
): Promise<void> {
	const servers: Server[] = [];
	try {
		for (const address of addresses) {
			let text = formatAddress(address);
			const server = await serve(address, (reason) => {
				err.write(`sent a client of ${text} away: ${reason}\n`);
			});
			servers.push(server);
			text = formatAddress(server.address);
			out.write(
				json
					? `${JSON.stringify({ type: "listening", v: 1, address: text })}\n`
					: `serving ${text}\n`,
			);
		}
		if (out.isTerminal) err.write("Compare from the other side with --to; Ctrl-C ends this.\n");
		if (!signal.aborted) await once(signal, "abort");
	} finally {
		for (const server of servers) server.close();
	}
}
