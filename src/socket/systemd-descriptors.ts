/** Descriptors that a service manager has passed to this process by `LISTEN_FDS`; sd_listen_fds(3). */
import { SystemdError } from "../errors.ts";
import { quote } from "../show-value.ts";
import { F_SETFD, FD_CLOEXEC } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { type DescriptorKind, kindOfDescriptor } from "./descriptor-kind.ts";

/** One of them, until somebody takes it. */
export interface Passed {
	readonly fd: number;
	/** As the service manager calls it: `FileDescriptorName=`, `FDNAME=`; `"unknown"` when there are no names. */
	readonly name: string;
}

/** The first one; SD_LISTEN_FDS_START of sd-daemon.h. */
export const FIRST_PASSED = 3;

const VARIABLES = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"];
const DECIMAL = /^[1-9]\d{0,8}$/;

/** Those that nobody has taken. */
const waiting: Passed[] = [];
let wasRead = false;

/**
 * The descriptors that were passed to this process and not taken yet. The variables are read by the first call that finds them, and make the
 * descriptors close-on-exec. None when the variables are missing, or meant for another process.
 *
 * @param keepVariables whether to leave the variables in the environment
 * @throws {SystemdError} the variables are malformed, or do not fit the descriptors that are open; this is a worker thread
 */
export function waitingDescriptors(keepVariables: boolean): readonly Passed[] {
	const { LISTEN_FDS: count } = process.env;
	if (wasRead || count === undefined || !isForUs()) return waiting;
	// Not imported: loading node:worker_threads costs more than a millisecond.
	if (!process.getBuiltinModule("node:worker_threads").isMainThread) {
		throw new SystemdError(
			"LISTEN_FDS",
			"The descriptors of the service manager belong to the main thread: take them there, and hand their numbers to the worker",
		);
	}
	const passed = namesOf(number("LISTEN_FDS")).map((name, i) => ({ fd: FIRST_PASSED + i, name }));
	for (const { fd } of passed) checkPassed(fd, passed.length);
	waiting.push(...passed);
	wasRead = true;
	if (!keepVariables) for (const name of VARIABLES) delete process.env[name];
	return waiting;
}

/** Strikes them off the list: they are somebody's now. */
export function markTaken(taken: readonly Passed[]): void {
	for (const each of taken) {
		const index = waiting.indexOf(each);
		if (index >= 0) waiting.splice(index, 1);
	}
}

/**
 * Takes the one descriptor of a name that suits. Those of the same name but of another kind do not count: a unit may listen on a stream and
 * receive datagrams under one name.
 *
 * @param use makes an object of it; when that throws, nothing was taken
 * @throws {SystemdError} none suits, or several do; and as `waitingDescriptors`
 */
export function usePassed<T>(
	name: string,
	kinds: readonly DescriptorKind[],
	use: (fd: number) => T,
): T {
	const passed = waitingDescriptors(false);
	const named = passed.filter((each) => each.name === name);
	const suiting = named.filter(({ fd }) => kinds.includes(kindOfDescriptor(fd)));
	const [only] = suiting;
	if (only === undefined) throw noneSuits(name, kinds, passed, named);
	if (suiting.length > 1) {
		throw new SystemdError(
			"LISTEN_FDNAMES",
			`${suiting.length} sockets are named ${quote(name)}: give each a FileDescriptorName= of its own, or take them all by fromSystemd({ name })`,
		);
	}
	const used = use(only.fd);
	markTaken([only]);
	return used;
}

function noneSuits(
	name: string,
	kinds: readonly DescriptorKind[],
	passed: readonly Passed[],
	named: readonly Passed[],
): SystemdError {
	const wanted = `No ${kinds.join(" or ")} named ${quote(name)} was passed`;
	if (named.length > 0) {
		const found = named.map(({ fd }) => kindOfDescriptor(fd)).join(", ");
		return new SystemdError("LISTEN_FDNAMES", `${wanted}: what has that name is of kind ${found}`);
	}
	if (passed.length > 0) {
		const names = passed.map((each) => quote(each.name)).join(", ");
		return new SystemdError("LISTEN_FDNAMES", `${wanted}: the names that are left are ${names}`);
	}
	return new SystemdError("LISTEN_FDS", `${wanted}: ${whyNone()}`);
}

function whyNone(): string {
	const { LISTEN_FDS: count, LISTEN_PID: pid } = process.env;
	if (wasRead) return "all that was passed has been taken";
	if (count === undefined) {
		return "LISTEN_FDS is not set; start the program by a socket unit, or by systemd-socket-activate";
	}
	return (
		`LISTEN_PID is ${pid ?? "not set"}, but this process is ${process.pid}; ` +
		"have the service manager start Node itself, or end scripts between them with exec"
	);
}

// Without it, or with another process in it, the variables were inherited from somebody who was meant.
function isForUs(): boolean {
	if (process.env["LISTEN_PID"] === undefined) return false;
	return number("LISTEN_PID") === process.pid;
}

function number(variable: string): number {
	const text = process.env[variable] ?? "";
	if (DECIMAL.test(text)) return Number(text);
	const why = `must be a decimal number from 1 to 999999999, but is ${quote(text)}`;
	throw new SystemdError(variable, `${variable} ${why}`);
}

function namesOf(count: number): string[] {
	const { LISTEN_FDNAMES: text } = process.env;
	if (text === undefined) {
		// A count without end must not become an array without end: what is not open is found here already.
		for (let i = 0; i < count; i++) checkOpen(FIRST_PASSED + i, count);
		return Array.from({ length: count }, () => "unknown");
	}
	const names = text.split(":");
	if (names.length === count) return names;
	throw new SystemdError(
		"LISTEN_FDNAMES",
		`LISTEN_FDNAMES has ${names.length} names, but LISTEN_FDS is ${count}: there must be one for each descriptor`,
	);
}

function checkPassed(fd: number, count: number): void {
	checkOpen(fd, count);
	// Nobody passes such a thing, and it is the first that Node itself opens: a count too high would take Node's own descriptors.
	if (kindOfDescriptor(fd) !== "epoll") return;
	throw new SystemdError(
		"LISTEN_FDS",
		`LISTEN_FDS is ${count}, but descriptor ${fd} is one of Node's own: fewer were passed`,
	);
}

function checkOpen(fd: number, count: number): void {
	if (sys.fcntl(fd, F_SETFD, FD_CLOEXEC) >= 0) return;
	throw new SystemdError("LISTEN_FDS", `LISTEN_FDS is ${count}, but descriptor ${fd} is not open`);
}
