/** What `socketry explain` does. */
import { formatAddress, LIMITS } from "../../index.ts";
import { mannerOf, readAddress } from "../address-argument.ts";
import type { Context } from "../command.ts";
import { EXIT, exitCodeOf, UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { visibleLine } from "../visible-text.ts";
import { type Fact, Facts } from "./facts.ts";
import { OPTIONS } from "./guide.ts";

const MANNERS = {
	stream: "bytes both ways; each direction ends on its own",
	packets: "a connection of messages, each whole and in order",
	datagrams: "datagrams: each whole or not at all, without connection or end",
};

/** Runs it. */
export async function run(args: readonly string[], { out, err, signal }: Context): Promise<number> {
	const { words, program } = parseCommandLine(args, OPTIONS);
	if (words.length === 0 || program !== undefined) {
		throw new UsageError("give the addresses to explain, such as 8080 or ./x.sock");
	}
	const facts = new Facts(signal);
	let code: number = EXIT.done;
	for (const word of words) {
		try {
			out.write(await explain(word, facts));
		} catch (error) {
			if (exitCodeOf(error) !== EXIT.usage) throw error;
			// The others are asked about all the same.
			err.say(`${err.palette.bad("socketry explain:")} ${visibleLine((error as Error).message)}`);
			code = EXIT.usage;
		}
	}
	return code;
}

async function explain(word: string, known: Facts): Promise<string> {
	const to = readAddress(word, "connect");
	const at = readAddress(word, "listen");
	const manner = mannerOf(to);
	const facts: Fact[] = [
		["connect", formatAddress(to)],
		["listen", at.transport === "tcp+srv" ? "no: its servers do" : formatAddress(at)],
		["carries", manner === undefined ? "what the descriptor carries" : MANNERS[manner]],
		...(await known.of(to)),
	];
	if (to.transport === "udp") facts.push(["limit", "65,507 bytes a datagram, 65,527 over IPv6"]);
	else if (manner !== undefined && manner !== "stream") {
		facts.push(["limit", `${LIMITS.messageBytes} bytes a message, unless asked for more`]);
	}
	const lines = facts.map(([name, text]) => `  ${name.padEnd(10)}${visibleLine(text)}\n`);
	return `${visibleLine(word)}\n${lines.join("")}`;
}
