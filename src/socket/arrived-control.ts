/** What came along with received bytes over a Unix socket: descriptors as owned objects, within limits, and who sent them. */
import { requireBoolean, requireInteger } from "../arguments.ts";
import { DescriptorsLostError, LimitError, UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { MSG_CTRUNC, SO_PASSSEC, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import type { Endpoint } from "./endpoint.ts";
import { ENABLE } from "./little-endian.ts";
import { decodeMetadata, type Metadata } from "./metadata.ts";
import type { Credentials } from "./option-value.ts";
import { OwnedDescriptor } from "./owned-descriptor.ts";

/** Options of what receives over Unix sockets. Off by default: then the kernel hands no descriptor over at all. */
export interface ArrivalOptions {
	/**
	 * Takes descriptors that peers send along: at most so many with one message, 1..253; `true` stands for 16. Off, they are refused, and
	 * `refusedDescriptorsCount` tells how often. Default false. unix(7), SCM_RIGHTS
	 */
	readonly receiveDescriptors?: boolean | number | undefined;
	/**
	 * Asks the kernel who has sent each message; `"pidfd"` for a descriptor of the sender's process as well, which needs Linux 6.5, and for its
	 * security label. What was sent before this was asked for has process 0, user 65534. A socket that asks gets an abstract name of the
	 * kernel's choice when it connects or sends without a name. Default false. unix(7), SO_PASSCRED, SO_PASSPIDFD, SO_PASSSEC
	 */
	readonly receiveCredentials?: boolean | "pidfd" | undefined;
}

/** Who has sent a message, as the kernel knows it: the process and its effective ids, or what a privileged sender claims. */
export interface MessageCredentials extends Credentials {
	/** The sender's process; only when asked for. Yours to close. */
	readonly pidfd?: OwnedDescriptor | undefined;
	/** What a security module calls the sender, such as SELinux or AppArmor; only with `"pidfd"`, and where there is one. */
	readonly securityLabel?: string | undefined;
}

/** What is wanted of control messages, checked. */
export interface Wanted {
	/** Most descriptors of one message; 0 when they are refused. */
	readonly descriptorsCount: number;
	readonly credentials: boolean;
	/** Whether the credentials have a pidfd and a security label. */
	readonly pidfd: boolean;
}

/** What came along with one message. */
export interface ArrivedControl {
	readonly descriptors: OwnedDescriptor[];
	readonly credentials: MessageCredentials | undefined;
	/** Whether descriptors came that nobody had asked for; none of them is open. */
	readonly refused: boolean;
}

/**
 * Room for the control messages of a message: 253 descriptors, credentials, a pidfd, a security label, timestamps. With less, the kernel would
 * cut descriptors off.
 */
export const ARRIVAL_BYTES = 2_048;

// struct cmsghdr and struct ucred, padded; CMSG_SPACE(3).
const CREDENTIALS_BYTES = 32;
const NOTHING: Wanted = { descriptorsCount: 0, credentials: false, pidfd: false };

/**
 * Checks what is asked for.
 *
 * @param isUnix whether the socket can do it
 * @throws {InvalidTypeError | OutOfRangeError} an option is wrong
 * @throws {UnsupportedError} it is no Unix socket
 */
export function wantedOf(options: ArrivalOptions, isUnix: boolean): Wanted {
	const { receiveDescriptors, receiveCredentials } = options;
	if (receiveDescriptors === undefined && receiveCredentials === undefined) return NOTHING;
	const wanted: Wanted = {
		descriptorsCount: checkReceiveDescriptors("receiveDescriptors", receiveDescriptors ?? false),
		credentials: checkReceiveCredentials("receiveCredentials", receiveCredentials ?? false),
		pidfd: receiveCredentials === "pidfd",
	};
	if (isUnix || (wanted.descriptorsCount === 0 && !wanted.credentials)) return wanted;
	const feature = wanted.credentials ? "receiving credentials" : "receiving descriptors";
	throw new UnsupportedError(feature, "only Unix sockets can do it");
}

/** Whether a message can bring descriptors, which have to be owned. */
export function bringsDescriptors({ descriptorsCount, pidfd }: Wanted): boolean {
	return descriptorsCount > 0 || pidfd;
}

/**
 * Room for the control messages of a message; where no descriptor is wanted for none of them, so that none gets into this process: to close
 * one can take long, for a file system may be asked.
 *
 * @param otherBytes room of what is wanted besides
 */
export function controlBytesFor(wanted: Wanted, otherBytes: number): number {
	if (bringsDescriptors(wanted)) return ARRIVAL_BYTES;
	return otherBytes + (wanted.credentials ? CREDENTIALS_BYTES : 0);
}

/** Returns how many descriptors a message may bring. */
export function checkReceiveDescriptors(name: string, value: unknown): number {
	if (typeof value === "number") {
		return requireInteger(name, value, 1, LIMITS.descriptorsPerMessageCount);
	}
	return requireBoolean(name, value) ? LIMITS.descriptorsAllowedCount : 0;
}

/** Returns whether credentials are asked for. */
export function checkReceiveCredentials(name: string, value: unknown): boolean {
	return value === "pidfd" || requireBoolean(name, value);
}

/**
 * Has the kernel tell who sends.
 *
 * @throws {SyscallError | UnsupportedError} it cannot
 */
export function askForCredentials(
	socket: Endpoint,
	receiveCredentials: ArrivalOptions["receiveCredentials"],
): void {
	if (receiveCredentials === undefined || receiveCredentials === false) return;
	socket.setOption("SO_PASSCRED", true);
	if (receiveCredentials !== "pidfd") return;
	socket.setOption("SO_PASSPIDFD", true);
	// A kernel without security modules may refuse it: then there is no label.
	sys.setsockopt(socket.openFd(), SOL_SOCKET, SO_PASSSEC, ENABLE);
}

/**
 * Takes over what a recvmsg(2) brought. Whatever goes wrong, nothing stays open that nobody owns.
 *
 * @param control exactly the bytes that the kernel filled
 * @param flags the MSG_* bits that it set
 * @throws {LimitError} more descriptors than are wanted: all of them are closed
 * @throws {DescriptorsLostError} the kernel could not hand over all of them: the others are closed
 */
export function takeArrived(control: Uint8Array, flags: number, wanted: Wanted): ArrivedControl {
	const metadata = decodeMetadata(control);
	const { descriptors } = metadata;
	const isCut = (flags & MSG_CTRUNC) !== 0;
	const allowed = wanted.descriptorsCount;
	if (allowed === 0 || isCut || descriptors.length > allowed) {
		for (const fd of descriptors) sys.close(fd);
		if (allowed === 0) {
			const refused = isCut || descriptors.length > 0;
			return { descriptors: [], credentials: takeCredentials(metadata, wanted), refused };
		}
		if (metadata.pidfd !== undefined) sys.close(metadata.pidfd);
		if (isCut) throw new DescriptorsLostError(descriptors.length);
		const advice = "raise receiveDescriptors, or have the peer send fewer at once";
		throw new LimitError("receiveDescriptors", descriptors.length, allowed, advice);
	}
	return takeAll(metadata, wanted);
}

function takeAll(metadata: Metadata, wanted: Wanted): ArrivedControl {
	const { descriptors } = metadata;
	const owned: OwnedDescriptor[] = [];
	try {
		for (const fd of descriptors) owned.push(OwnedDescriptor.fromFd(fd));
	} catch (error) {
		for (const each of owned) each.close();
		// The one that failed, and those after it, are nobody's.
		for (const fd of descriptors.slice(owned.length)) sys.close(fd);
		if (metadata.pidfd !== undefined) sys.close(metadata.pidfd);
		throw error;
	}
	try {
		return { descriptors: owned, credentials: takeCredentials(metadata, wanted), refused: false };
	} catch (error) {
		for (const each of owned) each.close();
		throw error;
	}
}

function takeCredentials(metadata: Metadata, wanted: Wanted): MessageCredentials | undefined {
	const { credentials, pidfd, securityLabel } = metadata;
	if (!wanted.credentials || credentials === undefined) {
		if (pidfd !== undefined) sys.close(pidfd);
		return undefined;
	}
	return {
		...credentials,
		...(pidfd !== undefined && { pidfd: OwnedDescriptor.adopt(pidfd) }),
		...(securityLabel !== undefined && { securityLabel }),
	};
}
