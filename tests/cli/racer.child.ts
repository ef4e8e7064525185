/** Runs commands that serve, over and over in one process, as its parent tells it: arguments of a command, or nothing to end it. */
import { PassThrough } from "node:stream";
import { CATALOG } from "#src/cli/catalog.ts";
import { exitCodeOf } from "#src/cli/exit-code.ts";
import { run as listen } from "#src/cli/listen/run.ts";
import { run as relay } from "#src/cli/relay/run.ts";
import { Terminal } from "#src/cli/terminal.ts";

const COMMANDS = { listen, relay };
let ending: AbortController | undefined;

// Each run looks at the end of the process.
process.setMaxListeners(0);

function tell(answer: string): void {
	process.send?.(answer);
}

function terminal(onText: (text: string) => void): Terminal {
	const stream = new PassThrough();
	stream.on("data", (chunk: Buffer) => onText(chunk.toString()));
	return new Terminal(stream as unknown as NodeJS.WriteStream, {});
}

async function serve([name = "", ...args]: readonly string[]): Promise<void> {
	ending = new AbortController();
	const out = terminal(() => {});
	const err = terminal((text) => {
		if (text.startsWith("listening on")) tell("owner");
	});
	try {
		const run = COMMANDS[name as keyof typeof COMMANDS];
		tell(`ended with ${await run(args, { out, err, catalog: CATALOG, signal: ending.signal })}`);
	} catch (error) {
		tell(`failed with ${exitCodeOf(error)}`);
	}
}

process.on("message", (args: readonly string[]) => {
	if (args.length === 0) ending?.abort();
	else void serve(args);
});
tell("ready");
