/** The error of a system call that failed. */
import { errnoName, errnoText } from "./errno-name.ts";
import { errorHint } from "./error-hints.ts";
import { quote } from "./show-value.ts";
import { nameClasses, SocketError } from "./socket-error.ts";

/** What a failed system call was applied to; goes into the message and onto the error. */
export interface SyscallTarget {
	/** Numeric host, or the name of an abstract Unix address with a leading `@`. */
	readonly address?: string | undefined;
	/** Port 0..65535 (vsock: 0..4294967295). */
	readonly port?: number | undefined;
	/** Path of a socket file. */
	readonly path?: string | undefined;
	/** Kernel name of a socket option. */
	readonly option?: string | undefined;
}

/**
 * A system call failed; `code`, `errno`, `syscall`, `address`, `port` and `path` have the shape of
 * Node's own errors.
 */
export class SyscallError extends SocketError {
	/** Negative error number, as in Node: -111 for `ECONNREFUSED` on Linux. */
	readonly errno: number;
	/** Name of the call, such as `"connect"`. */
	readonly syscall: string;
	declare readonly address?: string;
	declare readonly port?: number;
	declare readonly path?: string;
	/** Kernel name of the option that a getsockopt or setsockopt was about. */
	declare readonly option?: string;

	constructor(
		message: string,
		code: string,
		errno: number,
		syscall: string,
		target: SyscallTarget = {},
	) {
		super(message, code);
		this.errno = errno;
		this.syscall = syscall;
		// Only what is known becomes a property: Node's errors have no `address: undefined` either.
		const { address, port, path, option } = target;
		Object.assign(
			this,
			address !== undefined && { address },
			port !== undefined && { port },
			path !== undefined && { path },
			option !== undefined && { option },
		);
	}
}

/**
 * Makes the error for a system call that returned `rc`, with Node's properties and a hint at what
 * to do.
 *
 * @param rc negative error number
 * @see docs/errors.md
 */
export function syscallError(
	syscall: string,
	rc: number,
	target: SyscallTarget = {},
): SyscallError {
	const code = errnoName(rc);
	const text = errorHint(syscall, code, target) ?? errnoText(rc);
	const error = new SyscallError(
		`${syscall} ${code}${place(target)}: ${text}`,
		code,
		rc,
		syscall,
		target,
	);
	// The stack begins where the failed call was made, not in this factory.
	Error.captureStackTrace(error, syscallError);
	return error;
}

/**
 * Returns `rc` when it is not negative, and throws the `SyscallError` for it otherwise.
 *
 * @throws {SyscallError} `rc` is negative
 */
export function check(rc: number, syscall: string, target?: SyscallTarget): number {
	if (rc < 0) throw syscallError(syscall, rc, target);
	return rc;
}

function place({ address, port, path, option }: SyscallTarget): string {
	if (option !== undefined) return ` ${option}`;
	if (path !== undefined) return ` ${plainOrQuoted(path)}`;
	if (address === undefined) return "";
	const name = plainOrQuoted(address);
	if (port === undefined) return ` ${name}`;
	return address.includes(":") ? ` [${name}]:${port}` : ` ${name}:${port}`;
}

// Plain text is shown as Node shows it; what a terminal could misread is quoted.
function plainOrQuoted(text: string): string {
	const quoted = quote(text);
	return quoted === `"${text}"` ? text : quoted;
}

nameClasses({ SyscallError });
