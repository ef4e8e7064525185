/** One message on its way to the service manager, over a socket of its own. */
import { check } from "../errors.ts";
import { waitCall } from "../socket/calls.ts";
import type { SocketType } from "../socket/kind.ts";
import type { Passage } from "../socket/passage.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { type Socket, socket } from "../socket/socket.ts";
import { targetOf } from "../socket/target.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN } from "../sys/errno.ts";
import type { NotifyPlace } from "./environment.ts";

/** How to send it. */
export interface DeliveryOptions extends WaitOptions {
	/** Lets the process end although the message still waits. Default false. */
	readonly unref?: boolean | undefined;
}

const PRIVILEGED_PORT_MAX = 1_023;
const ANY_CID = 0xffff_ffff;

// socket(2) with a type that this kernel, or its hypervisor's driver, does not have.
const LACKING = new Set(["ENODEV", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT", "EOPNOTSUPP"]);

/**
 * Sends a message. Until the first time that it has to wait nothing is asynchronous.
 *
 * @param passage what goes along; becomes independent of its caller when the message has to wait
 * @throws {SyscallError} ENOENT, ECONNREFUSED: nobody receives there. EPERM: the credentials are not this process's
 * @throws {AbortError | TimeoutError} it was not sent
 */
export async function deliver(
	bytes: Uint8Array,
	passage: Passage | undefined,
	place: NotifyPlace,
	{ signal, timeoutMs, unref }: DeliveryOptions,
): Promise<void> {
	if (place.family === "vsock")
		return await deliverOutside(bytes, place, { signal, timeoutMs, unref });
	const opened = socket("unix", "dgram");
	try {
		// Only a socket that is connected is told when the queue of the receiver has room again.
		opened.tryConnect(place);
		const attempt = (): number =>
			sys.sendmsg(opened.openFd(), [bytes], null, passage?.control ?? null, 0);
		const rc = attempt();
		if (rc !== EAGAIN) {
			check(rc, "sendmsg", targetOf(place));
			return;
		}
		passage?.hold();
		if (unref) opened.unref();
		await waitCall(opened, "write", "sendmsg", attempt, { signal, timeoutMs }, place);
	} finally {
		opened.close();
	}
}

async function deliverOutside(
	bytes: Uint8Array,
	{ type, cid, port }: NotifyPlace & { readonly family: "vsock" },
	{ signal, timeoutMs, unref }: DeliveryOptions,
): Promise<void> {
	const opened = type === undefined ? firstPossible() : socket("vsock", type);
	try {
		if (unref) opened.unref();
		bindPrivileged(opened);
		await opened.connect({ family: "vsock", cid, port }, { signal, timeoutMs });
		for (let sent = 0; sent < bytes.length; ) {
			sent += await opened.send(bytes.subarray(sent), { signal, timeoutMs });
		}
	} finally {
		opened.close();
	}
}

// The order of sd_notify(3).
function firstPossible(): Socket {
	const types: readonly SocketType[] = ["dgram", "seqpacket"];
	for (const type of types) {
		try {
			return socket("vsock", type);
		} catch (error) {
			if (!LACKING.has((error as { code: string }).code)) throw error;
		}
	}
	return socket("vsock", "stream");
}

// Proves to the machine outside that it is root who speaks; others speak from any port.
function bindPrivileged(opened: Socket): void {
	for (let port = PRIVILEGED_PORT_MAX; port > 0; port--) {
		const address: SocketAddress = { family: "vsock", cid: ANY_CID, port };
		try {
			opened.bind(address);
			return;
		} catch (error) {
			const { code } = error as { code: string };
			if (code === "EACCES" || code === "EPERM") return;
			if (code !== "EADDRINUSE") throw error;
		}
	}
}
