/** `activated`: passing descriptors to a child process as a service manager does. */
import type { SpawnOptions, StdioOptions } from "node:child_process";
import { requireArray, requireObject, requireString } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import { descriptorOf, type Passable } from "../socket/passable.ts";
import { FIRST_PASSED } from "../socket/systemd-descriptors.ts";
import { environment } from "./environment.ts";
import { requireDescriptorName } from "./service-state.ts";

/** Descriptors by name; as pairs where several have one name. */
export type NamedDescriptors =
	| Readonly<Record<string, Passable>>
	| readonly (readonly [name: string, descriptor: Passable])[];

/** What `spawn` of `node:child_process` takes. */
export type SpawnArguments = [command: string, args: string[], options: SpawnOptions];

// The process id is known only after the fork, and exec keeps it: so a shell writes it down before it becomes the program.
const SCRIPT = 'export LISTEN_PID=$$; exec "$0" "$@"';

/**
 * Makes the arguments with which `spawn` starts a program that gets these descriptors as from a service manager: one of ours by `fromSystemd` or
 * `listen("systemd:NAME")`, or any that knows sd_listen_fds(3). `spawn(...activated("node", ["server.js"], { http: listener }))`.
 *
 * They stay open here, and may be closed once `spawn` has returned. What is listed first becomes descriptor 3 of the child. Sockets of this library
 * are non-blocking in the child as well, for both have the same open file. The child begins as `/bin/sh`, which writes its process id to
 * LISTEN_PID and becomes the program by `exec`: a program that is missing is told by exit code 127. Not for `fork`, whose channel is
 * descriptor 3.
 *
 * @param options of `spawn`; `stdio` for the first three descriptors only, and no `shell`. Default environment: that of this process
 * @throws {InvalidTypeError | InvalidValueError} an argument is wrong; a name is no name of a descriptor
 * @throws {ClosedError | SyscallError} a descriptor is not open
 */
export function activated(
	program: string,
	args: readonly string[],
	descriptors: NamedDescriptors,
	options: SpawnOptions = {},
): SpawnArguments {
	requireString("program", program);
	const words = requireArray("args", args).map((word, i) => requireString(`args[${i}]`, word));
	const pairs = pairsOf(descriptors);
	const names = pairs.map(([name]) => requireDescriptorName("name", name));
	const numbers = pairs.map(([name, from]) => descriptorOf(name, from));
	requireObject("options", options);
	if (options.shell) throw new InvalidValueError("shell", "must not be set", options.shell);
	const { LISTEN_PID: _pid, LISTEN_PIDFDID: _id, ...env } = options.env ?? environment();
	return [
		"/bin/sh",
		["-c", SCRIPT, program, ...words],
		{
			...options,
			stdio: [...stdioOf(options.stdio), ...numbers],
			env: { ...env, LISTEN_FDS: String(numbers.length), LISTEN_FDNAMES: names.join(":") },
		},
	];
}

function pairsOf(descriptors: NamedDescriptors): (readonly [string, Passable])[] {
	requireObject("descriptors", descriptors);
	const pairs = Array.isArray(descriptors)
		? descriptors.map((pair, i) => requireArray(`descriptors[${i}]`, pair))
		: Object.entries(descriptors);
	if (pairs.length === 0) {
		throw new InvalidValueError("descriptors", "must not be empty", descriptors);
	}
	return pairs as (readonly [string, Passable])[];
}

function stdioOf(stdio: StdioOptions | undefined): Exclude<StdioOptions, string> {
	const first = Array.isArray(stdio) ? stdio : Array.from({ length: FIRST_PASSED }, () => stdio);
	if (first.length > FIRST_PASSED) {
		const why = `must have ${FIRST_PASSED} entries at the most: the descriptors come after them`;
		throw new InvalidValueError("stdio", why, stdio);
	}
	return Array.from({ length: FIRST_PASSED }, (_, i) => first[i] ?? "pipe");
}
