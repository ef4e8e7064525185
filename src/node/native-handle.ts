/**
 * The one place that looks behind Node's objects, at the handle that they have in libuv, for its descriptor. That is no documented interface, but
 * the only one; where it is missing, `UnsupportedError` says so.
 */
import { ClosedError, check, UnsupportedError } from "../errors.ts";
import { sys } from "../sys/current.ts";

interface NativeHandle {
	readonly fd?: unknown;
	readonly hasRef?: () => boolean;
	close?: (...given: unknown[]) => void;
}

/**
 * A second descriptor of what Node has open, which stays when Node closes its own.
 *
 * @param what subject of an error's sentence: `"The socket"`
 * @throws {ClosedError} Node has closed it, or never opened it
 * @throws {UnsupportedError} it has no descriptor in this process, as the server of a cluster's worker
 * @throws {SyscallError} EMFILE
 */
export function duplicateOf(owner: object, what: string): number {
	const handle = handleOf(owner);
	if (handle === undefined) throw new ClosedError(what);
	const { fd } = handle;
	if (typeof fd !== "number" || fd < 0) {
		throw new UnsupportedError("taking over from Node", `${what} has no descriptor here`);
	}
	return check(sys.dup(fd), "dup");
}

/** Whether what Node has open keeps the process alive. */
export function isReferenced(owner: object): boolean {
	return handleOf(owner)?.hasRef?.() ?? true;
}

/** Calls `act` right before the handle of a server closes: its event `close` comes only after the last connection. */
export function beforeClosing(server: object, act: () => void): void {
	const handle = handleOf(server);
	const close = handle?.close;
	if (handle === undefined || close === undefined) return;
	handle.close = (...given) => {
		act();
		close.apply(handle, given);
	};
}

/**
 * Checks that Node can take over a stream of this transport.
 *
 * @throws {UnsupportedError} it cannot
 */
export function requireNative(transport: string, what: string): void {
	if (transport === "tcp" || transport === "unix") return;
	throw new UnsupportedError(
		`${what} over ${transport}`,
		"Node knows streams of TCP and Unix sockets; toDuplex() takes any stream",
	);
}

function handleOf(owner: object): NativeHandle | undefined {
	return (owner as { _handle?: NativeHandle | null })._handle ?? undefined;
}
