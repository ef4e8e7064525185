/** Descriptors that come from elsewhere: taken over when they are what is asked for, and left as they are otherwise. */
import { check, InvalidAddressError } from "../errors.ts";
import { familyName, typeName } from "../socket/kind.ts";
import { Socket } from "../socket/socket.ts";
import { type SocketTransport, transportOf } from "../socket/transport.ts";
import { SO_DOMAIN, SO_TYPE, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

const value = new Uint8Array(4);
const view = new DataView(value.buffer);

/**
 * Reads an integer option of a descriptor that is nobody's yet.
 *
 * @throws {SyscallError} EBADF: it is not open. ENOTSOCK: it is no socket
 */
export function inheritedOption(fd: number, name: number): number {
	check(sys.getsockopt(fd, SOL_SOCKET, name, value), "getsockopt");
	return view.getInt32(0, true);
}

/**
 * Takes a descriptor over.
 *
 * @param suits looks at it, without changing anything
 * @param expected what the error says when it does not suit
 * @param wrap makes an object of it; when that throws, the descriptor stays its owner's
 * @throws {InvalidAddressError} it does not suit
 * @throws {SyscallError} EBADF, ENOTSOCK
 */
export function takeInherited<T>(
	fd: number,
	suits: (transport: SocketTransport) => boolean,
	expected: string,
	wrap: (socket: Socket, transport: SocketTransport) => T,
): T {
	const family = familyName(inheritedOption(fd, SO_DOMAIN));
	const type = typeName(inheritedOption(fd, SO_TYPE));
	const transport = family && type && transportOf(family, type);
	if (transport === undefined || !suits(transport)) {
		throw new InvalidAddressError(`fd:${fd}`, expected);
	}
	const socket = Socket.fromFd(fd);
	try {
		return wrap(socket, transport);
	} catch (error) {
		if (!socket.closed) socket.detachFd();
		throw error;
	}
}
