#!/usr/bin/env node
/** The program `socketry`: finds the command, loads it, turns its end into an exit code. */
import { nearest } from "../nearest.ts";
import { requireUtf8 } from "./argument-text.ts";
import { CATALOG } from "./catalog.ts";
import type { Command, Context } from "./command.ts";
import { EXIT, exitCodeOf, UsageError } from "./exit-code.ts";
import { Interruption } from "./interruption.ts";
import { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";
import { visibleText } from "./visible-text.ts";

const cursor = { isBehindKey: false };
const out = new Terminal(process.stdout, process.env, cursor);
const err = new Terminal(process.stderr, process.env, cursor);

let running: Command | undefined;

// What cannot be told on standard error is lost, and what it is about goes on.
process.stderr.on("error", () => {});

// Before those that end the program, so that what they say and the prompt after it begin a line.
process.on("SIGINT", () => {
	cursor.isBehindKey = true;
});
process.on("exit", () => err.endLine());

void main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
	const interruption = new Interruption();
	const context: Context = { out, err, catalog: CATALOG, signal: interruption.signal };
	process.stdout.on("error", (error: NodeJS.ErrnoException) => {
		const exitCode = failedOutput(error, args[0]);
		if (running?.carries) interruption.end(exitCode);
		else process.exit(exitCode);
	});
	let code: number;
	try {
		code = await dispatch(args, context);
	} catch (error) {
		code = exitCodeOf(error);
		if (interruption.exitCode === undefined || code === EXIT.cut) complain(error, args[0]);
	}
	// That something was lost matters more than who ended it.
	process.exitCode = code === EXIT.cut ? code : (interruption.exitCode ?? code);
}

async function dispatch(args: readonly string[], context: Context): Promise<number> {
	requireUtf8(args);
	const [first, ...rest] = args[0] === "help" ? [args[1] ?? "--help", "--help"] : args;
	if (first === "--help" || first === "-h") return print(await generalHelp());
	if (first === "--version" || first === "-V") return print(`${packageVersion()}\n`);
	if (first === undefined) {
		err.write(await generalHelp());
		return EXIT.usage;
	}
	const entry = Object.hasOwn(CATALOG, first) ? CATALOG[first] : undefined;
	if (entry === undefined) throw new UsageError(unknownCommand(first));
	const command = await entry.load();
	// What follows `--` is for another program.
	const own = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
	if (own.includes("--help") || own.includes("-h")) {
		const { helpOf } = await import("./help.ts");
		return print(helpOf(`socketry ${first}`, command.guide));
	}
	running = command;
	return await command.run(rest, context);
}

async function generalHelp(): Promise<string> {
	const [{ helpOf }, { OVERVIEW }] = await Promise.all([
		import("./help.ts"),
		import("./overview.ts"),
	]);
	const commands = Object.entries(CATALOG).map(([name, { summary }]) => [name, summary] as const);
	return helpOf("socketry", OVERVIEW, commands);
}

// The reader of a pipe has seen enough (`| head`): nothing is wrong, unless it was to have everything.
function failedOutput(error: NodeJS.ErrnoException, name: string | undefined): number {
	if (error.code === "EPIPE") {
		return running?.copies || running?.carries ? EXIT.brokenPipe : EXIT.done;
	}
	complain(new Error(`standard output: ${error.message}`, { cause: error }), name);
	return running?.copies ? EXIT.cut : EXIT.failed;
}

function print(text: string): number {
	out.write(text);
	return EXIT.done;
}

function unknownCommand(word: string): string {
	const what = word.startsWith("-") ? "option" : "command";
	const meant = nearest(word, Object.keys(CATALOG));
	return `there is no ${what} ${word}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

function complain(error: unknown, command: string | undefined): void {
	const isKnown = command !== undefined && Object.hasOwn(CATALOG, command);
	const name = isKnown ? `socketry ${command}` : "socketry";
	const message = error instanceof Error ? error.message : String(error);
	err.say(`${err.palette.bad(`${name}:`)} ${visibleText(message)}`);
	if (error instanceof UsageError) err.write(`See: ${name} --help\n`);
}
