/** `fromSystemd`: what a service manager has passed, whatever it is. */
import { type Known, requireBoolean, requireOptions, requireString } from "../arguments.ts";
import { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import { markTaken, waitingDescriptors } from "../socket/systemd-descriptors.ts";

/** One descriptor that was passed, with its name. */
export interface PassedDescriptor {
	/** As the service manager calls it: `FileDescriptorName=` of a socket unit, `FDNAME` of the descriptor store; `"unknown"` where it has no names. */
	readonly name: string;
	/** Yours now: to be adopted, given away or closed. */
	readonly descriptor: OwnedDescriptor;
}

/** Options of `fromSystemd`. */
export interface FromSystemdOptions {
	/** Takes only those with this name. Default: all that nobody has taken yet. */
	readonly name?: string | undefined;
	/** Leaves LISTEN_FDS and its companions in the environment, for children which do not look at LISTEN_PID. Default false: they are removed. */
	readonly keepVariables?: boolean | undefined;
}

const KNOWN: Known<FromSystemdOptions> = {
	name: true,
	keepVariables: true,
};

/**
 * Takes the descriptors that a service manager has passed to this process, in its order: sockets of any kind, connections (`Accept=yes`), FIFOs,
 * files and devices, and what was stored by `notify({ fdstore })`. `adopt` makes a listener, stream or whatever else of one.
 *
 * Each is taken once, by this or by `listen("systemd:NAME")` and its kin. Empty when nothing was passed, when all was taken, and when LISTEN_PID
 * is not this process: so it is in a child of the one that was meant, such as Node under `npm start`.
 *
 * @throws {SystemdError} the variables are malformed, or do not fit the descriptors that are open; this is a worker thread. Nothing was taken
 * @throws {SyscallError} EEXIST: another object of this thread owns such a descriptor, for instance by `listen("fd:3")`. Nothing was taken
 * @see sd_listen_fds(3), systemd.socket(5)
 */
export function fromSystemd(options: FromSystemdOptions = {}): PassedDescriptor[] {
	requireOptions(options, KNOWN);
	const { name, keepVariables = false } = options;
	if (name !== undefined) requireString("name", name);
	const passed = waitingDescriptors(requireBoolean("keepVariables", keepVariables));
	const wanted = passed.filter((each) => name === undefined || each.name === name);
	const taken: PassedDescriptor[] = [];
	try {
		for (const each of wanted) {
			taken.push({ name: each.name, descriptor: OwnedDescriptor.fromFd(each.fd) });
		}
	} catch (error) {
		for (const { descriptor } of taken) descriptor.detachFd();
		throw error;
	}
	markTaken(wanted);
	return taken;
}
