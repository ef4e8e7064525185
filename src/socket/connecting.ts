/**
 * How connect(2) ends. TCP answers EINPROGRESS and tells the rest by SO_ERROR; a Unix socket whose listener's queue is full answers EAGAIN
 * and has no event for the moment there is room again, so that it must be asked once in a while.
 */
import { ClosedError, check, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { SO_ERROR, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, EALREADY, EINPROGRESS, EISCONN } from "../sys/errno.ts";
import type { Endpoint } from "./endpoint.ts";
import { encodeSocketAddress, type SocketAddress } from "./sockaddr.ts";
import { targetOf } from "./target.ts";
import {
	type BlockOptions,
	checkWait,
	PendingCall,
	patience,
	supervise,
	type WaitOptions,
} from "./wait.ts";

/** Begins to connect: true when done, undefined when it goes on. */
export function connectNow(fd: number, address: SocketAddress): true | undefined {
	const rc = sys.connect(fd, encodeSocketAddress(address));
	if (rc === EINPROGRESS || rc === EALREADY || isQueueFull(rc, address)) return undefined;
	check(rc, "connect", targetOf(address));
	return true;
}

/** Connects and blocks meanwhile. */
export function connectSync(fd: number, address: SocketAddress, options?: BlockOptions): void {
	const [timeoutMs, spinUs] = patience(options);
	const name = encodeSocketAddress(address);
	const deadline = timeoutMs < 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
	let rc = sys.connect(fd, name, timeoutMs, spinUs);
	while (isQueueFull(rc, address) && performance.now() < deadline) {
		sys.poll(new Int32Array(0), LIMITS.connectRetryMs);
		rc = sys.connect(fd, name, timeoutMs, spinUs);
	}
	if (rc === EAGAIN) throw new TimeoutError(timeoutMs);
	check(rc, "connect", targetOf(address));
}

/** Connects; resolves when connected. */
export async function connectWait(
	socket: Endpoint,
	address: SocketAddress,
	options?: WaitOptions,
): Promise<void> {
	checkWait(options);
	const name = encodeSocketAddress(address);
	const target = targetOf(address);
	const rc = sys.connect(socket.openFd(), name);
	if (isQueueFull(rc, address)) return await retry(socket, address, name, options);
	// EALREADY: `tryConnect` began it. EISCONN: and it is done.
	if (rc !== EINPROGRESS && rc !== EALREADY) {
		if (rc !== EISCONN) check(rc, "connect", target);
		return;
	}
	if (options?.timeoutMs === 0) throw new TimeoutError(0);
	const attempt = (): number => -pendingError(socket);
	await new PendingCall(socket.descriptor, "write", "connect", attempt, target).wait(options);
}

const errorValue = new Uint8Array(4);
const errorView = new DataView(errorValue.buffer);

/** The error that the kernel keeps for a socket, as a positive errno; 0 when there is none. Reading it also clears it: SO_ERROR, socket(7). */
export function pendingError(socket: Endpoint): number {
	const rc = sys.getsockopt(socket.openFd(), SOL_SOCKET, SO_ERROR, errorValue);
	return rc < 0 ? -rc : errorView.getInt32(0, true);
}

// For other families EAGAIN is an error like any other; connect(2).
function isQueueFull(rc: number, address: SocketAddress): boolean {
	return rc === EAGAIN && address.family === "unix";
}

function retry(
	socket: Endpoint,
	address: SocketAddress,
	name: Uint8Array,
	options: WaitOptions | undefined,
): Promise<void> {
	return new Promise((resolve, reject) => {
		const { descriptor } = socket;
		const release = supervise(options, (error) => {
			stop();
			reject(error(0));
		});
		const attempt = (): void => {
			const rc = socket.closed ? undefined : sys.connect(socket.fd, name);
			if (rc === EAGAIN) {
				stop = descriptor.sleep(LIMITS.connectRetryMs, attempt);
				return;
			}
			release?.();
			if (rc === undefined) reject(new ClosedError());
			else if (rc < 0) reject(syscallError("connect", rc, targetOf(address)));
			else resolve();
		};
		let stop = descriptor.sleep(LIMITS.connectRetryMs, attempt);
	});
}
