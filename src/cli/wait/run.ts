/** What `socketry wait` does. */
import { type Address, formatAddress, whenReachable } from "../../index.ts";
import { mannerOf, readAddress } from "../address-argument.ts";
import type { Context } from "../command.ts";
import { jsonLine } from "../exchange/json-lines.ts";
import { runAlone } from "../exchange/run-program.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseDuration } from "../quantity.ts";
import { TimeLimit } from "../time-limit.ts";
import { OPTIONS } from "./guide.ts";

const DAY_MS = 86_400_000;

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	if (words.length === 0) throw new UsageError("an address is missing, such as localhost:5432");
	const addresses = words.map(readTarget);
	const { timeout, quiet = false, json = false } = values;
	const timeoutMs =
		timeout === undefined ? undefined : parseDuration("--timeout", timeout, 1, DAY_MS);
	const limit = new TimeLimit(timeoutMs, context.signal);
	const reach = async (address: Address): Promise<void> => {
		const name = formatAddress(address);
		let isTold = quiet || json;
		const onFailure = ({ error }: { readonly error: Error }): void => {
			if (!isTold) context.err.say(`waiting for ${name}: ${error.message}`);
			isTold = true;
		};
		await whenReachable(address, { signal: limit.signal, retry: { onFailure } });
		if (json) context.out.write(jsonLine("reachable", { address: name }));
	};
	const isDone = await limit.around(async () => {
		await Promise.all(addresses.map(reach));
		return true;
	});
	if (isDone !== true || program === undefined) return EXIT.done;
	return await runAlone(program, context.signal, (message) => {
		context.err.say(`socketry wait: ${message}`);
	});
}

function readTarget(text: string): Address {
	const address = readAddress(text, "connect");
	const manner = mannerOf(address);
	if (manner === "stream" || manner === "packets") return address;
	throw new UsageError(
		manner === undefined
			? `${text} is a socket that is there already`
			: `${text}: datagrams have no connections, and nobody says that he is ready for them`,
	);
}
