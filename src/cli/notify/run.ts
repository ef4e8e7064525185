/** What `socketry notify` does. */
import { SyscallError, TimeoutError } from "../../index.ts";
import { notify, notifyBarrier, type ServiceState } from "../../systemd/index.ts";
import type { Context } from "../command.ts";
import { readDescriptor } from "../descriptor-option.ts";
import { EXIT, ExpiredError, UsageError } from "../exit-code.ts";
import { given, type OptionValues, parseCommandLine } from "../options.ts";
import { parseCount, parseDuration } from "../quantity.ts";
import { OPTIONS } from "./guide.ts";

const DAY_MS = 86_400_000;
const READ_MS = 5_000;
const PID_MAX = 4_194_304;
const ERRNO_MAX = 4_095;
const INIT = 1;
/** Options that say how to tell, not what. */
const MANNERS: ReadonlySet<string> = new Set(["timeout", "no-wait"]);

/** Runs it. */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	if (program !== undefined) throw new UsageError("notify runs no program");
	const mainPid = given(values.pid, readPid);
	const state = readState(values, words, mainPid);
	const timeoutMs = given(values.timeout, (text) => parseDuration("--timeout", text, 1, DAY_MS));
	const options = { timeoutMs: timeoutMs ?? READ_MS, signal: context.signal };
	const isTold = await tell(state, mainPid ?? process.ppid, !values["no-wait"], options);
	if (isTold) return EXIT.done;
	context.err.say(
		"socketry notify: nobody was told: NOTIFY_SOCKET is not set. In a service it is, by Type=notify or NotifyAccess=all",
	);
	return EXIT.failed;
}

function readState(
	values: OptionValues<typeof OPTIONS>,
	words: readonly string[],
	mainPid: number | undefined,
): ServiceState {
	const { ready, reloading, stopping, status, watchdog, fd, "fd-name": name } = values;
	const descriptors = fd?.map((text) => readDescriptor("--fd", text));
	if (name !== undefined && descriptors === undefined) {
		throw new UsageError("--fd-name goes with --fd");
	}
	const isNothing = Object.keys(values).every((key) => MANNERS.has(key)) && words.length === 0;
	if (isNothing)
		throw new UsageError("say what there is to tell, such as --ready or --status TEXT");
	return {
		...{ ready, reloading, stopping, status, watchdog, mainPid },
		errno: given(values.errno, (text) => parseCount("--errno", text, 1, ERRNO_MAX)),
		watchdogMs: given(values["watchdog-time"], (text) => {
			return parseDuration("--watchdog-time", text, 1, DAY_MS);
		}),
		extendTimeoutMs: given(values.extend, (text) => parseDuration("--extend", text, 1, DAY_MS)),
		fdstore: descriptors === undefined ? undefined : { descriptors, name },
		fdstoreRemove: values["fd-remove"],
		variables: Object.fromEntries(words.map(readAssignment)),
	};
}

function readPid(text: string): number {
	return text === "parent" ? process.ppid : parseCount("--pid", text, 1, PID_MAX);
}

function readAssignment(word: string): [name: string, value: string] {
	const at = word.indexOf("=");
	if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
	throw new UsageError(
		`"${word}" is no assignment: write NAME=VALUE, or an option such as --ready`,
	);
}

// In the name of the main process, to which NotifyAccess=main restricts it, and otherwise in our own. As systemd-notify(1) does.
async function tell(
	state: ServiceState,
	sender: number,
	waits: boolean,
	options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
	const isManager = sender === INIT || String(sender) === process.env["MANAGERPID"];
	// Neither who sends nor a descriptor to wait by gets out of this machine.
	const isOutside = process.env["NOTIFY_SOCKET"]?.startsWith("vsock") ?? false;
	const names = isManager || isOutside ? [undefined] : [sender, undefined];
	for (const pid of names) {
		try {
			if (!(await notify(state, { ...options, pid }))) return false;
			if (waits && !isOutside) await notifyBarrier({ ...options, pid });
			return true;
		} catch (error) {
			const isForbidden = error instanceof SyscallError && error.code === "EPERM";
			if (!isForbidden || pid === undefined) throw explained(error, options.timeoutMs);
		}
	}
	return false;
}

function explained(error: unknown, timeoutMs: number): unknown {
	const { code, message } = error as Error & { readonly code?: string };
	if (error instanceof TimeoutError) {
		const text = `the service manager has not read the message within ${timeoutMs / 1_000} s`;
		return new ExpiredError(text, { cause: error });
	}
	const isWrong = code?.startsWith("ERR_INVALID_ARG") || code === "ERR_LIMIT";
	return isWrong || code === "ERR_OUT_OF_RANGE" ? new UsageError(message, { cause: error }) : error;
}
