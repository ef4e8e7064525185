/** `notify`: telling the service manager how this program is; sd_notify(3). */
import { type Known, requireInteger, requireOptions } from "../arguments.ts";
import { UnsupportedError } from "../errors.ts";
import type { Credentials } from "../socket/option-value.ts";
import { Passage } from "../socket/passage.ts";
import { socketpair } from "../socket/socket.ts";
import { checkWait, countDown, WAIT, type WaitOptions } from "../socket/wait.ts";
import { notifyPlace } from "./environment.ts";
import { type DeliveryOptions, deliver } from "./notify-socket.ts";
import { encodeState, type ServiceState } from "./service-state.ts";

/** Options of `notify` and `notifyBarrier`. */
export interface NotifyOptions extends WaitOptions {
	/** In whose name to speak, which needs privileges. Default: this process. */
	readonly pid?: number | undefined;
}

const KNOWN: Known<NotifyOptions> = {
	...WAIT,
	pid: true,
};

const PID_MAX = 4_194_304;
const BARRIER = new TextEncoder().encode("BARRIER=1\n");

/**
 * Tells the service manager how this program is. Waits while the manager's queue is full. Whether the manager believes the message is its
 * `NotifyAccess=`, which it does not tell.
 *
 * @param state at least one field; descriptors to be stored stay open here, and may be closed once this call has returned
 * @returns false when no service manager wants to be told: NOTIFY_SOCKET is not set
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} the state is wrong, such as a line break in a text
 * @throws {LimitError} longer than 4096 bytes, which systemd would ignore; more than 253 descriptors
 * @throws {SystemdError} NOTIFY_SOCKET has no known form
 * @throws {SyscallError} ENOENT, ECONNREFUSED: nobody receives there. EPERM: this process may not speak for `pid`
 * @throws {UnsupportedError} descriptors or `pid`, but the service manager is outside of this machine (vsock)
 * @throws {AbortError | TimeoutError} it was not sent
 * @see sd_notify(3), systemd.service(5)
 */
export async function notify(state: ServiceState, options: NotifyOptions = {}): Promise<boolean> {
	return await tell(state, requireOptions(options, KNOWN));
}

/**
 * Waits until the service manager has read all that was told before. A process that ends right after a message would otherwise be gone when
 * the manager looks whose it was, and the message would count for nothing; main processes need not care.
 *
 * @param options by default it waits without limit
 * @returns false when there is no service manager
 * @throws {TimeoutError | AbortError} the manager has not read it yet
 * @throws {UnsupportedError} the service manager is outside of this machine (vsock)
 * @throws as `notify`
 * @see sd_notify_barrier(3)
 */
export async function notifyBarrier(options: NotifyOptions = {}): Promise<boolean> {
	checkOptions(requireOptions(options, KNOWN));
	const place = notifyPlace();
	if (place === undefined) return false;
	if (place.family === "vsock") {
		throw new UnsupportedError("notifyBarrier", "vsock carries no descriptors");
	}
	const left = countDown(options, KNOWN);
	const [ours, theirs] = socketpair("stream");
	const credentials = credentialsOf(options);
	const passage = Passage.of({ descriptors: [theirs], credentials }, true);
	try {
		await deliver(BARRIER, passage, place, options);
		// If it had to wait, this has a duplicate.
		passage?.close();
		theirs.close();
		// The end comes when the last duplicate is closed: by the manager once it is there.
		await ours.recv(new Uint8Array(1), left());
		return true;
	} finally {
		passage?.close();
		theirs.close();
		ours.close();
	}
}

/** As `notify`, for those who do not want to keep the process alive. */
export async function tell(
	state: ServiceState,
	options: NotifyOptions & DeliveryOptions,
): Promise<boolean> {
	const bytes = encodeState(state, process.hrtime.bigint() / 1_000n);
	checkOptions(options);
	const place = notifyPlace();
	if (place === undefined) return false;
	const { descriptors = [] } = state.fdstore ?? {};
	const credentials = credentialsOf(options);
	const passage = Passage.of({ descriptors, credentials }, place.family === "unix");
	try {
		await deliver(bytes, passage, place, options);
	} finally {
		passage?.close();
	}
	return true;
}

function checkOptions(options: NotifyOptions): void {
	const { signal, timeoutMs } = options;
	checkWait({ signal, timeoutMs });
	if (options.pid !== undefined) requireInteger("pid", options.pid, 1, PID_MAX);
}

// The kernel names this process by itself.
function credentialsOf({ pid }: NotifyOptions): Credentials | undefined {
	if (pid === undefined) return undefined;
	return { pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}
