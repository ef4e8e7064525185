/** What a socket is bound to: a path as it was given, or for one longer than an address its last part below a descriptor of its directory. */
import { closeSync, constants as files, readlinkSync } from "node:fs";
import { check, InvalidAddressError, UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { isLongPath, openPath, pathBytes } from "../socket/long-path.ts";
import type { UnixPathAddress } from "../socket/sockaddr.ts";
import { directoryOf, nameOf } from "./path-bytes.ts";

/** A name to bind to. */
export interface BindingName {
	/** Its bytes are for the kernel, its text is the path as it was given. */
	readonly address: UnixPathAddress;
	/** Ends the meaning of the name for others; the socket stays bound. A second call does nothing. */
	close(): void;
}

// A name that is dropped without a word must not cost its descriptor for ever.
const forgotten = new FinalizationRegistry<number>((fd) => closeSync(fd));

/**
 * Makes the name to bind a path by.
 *
 * @throws {InvalidAddressError} the path is long, and its last part does not fit behind the descriptor's name
 * @throws {SyscallError} ENOENT, ENOTDIR, EACCES: of its directory
 * @throws {UnsupportedError} it is long, and there is no /proc
 */
export function bindingName(address: UnixPathAddress): BindingName {
	if (!isLongPath(address)) return { address, close: () => {} };
	const { path } = address;
	const exact = pathBytes(address);
	const directory = directoryOf(exact);
	const fd = openPath(directory.length === 0 ? Buffer.from(".") : directory, files.O_DIRECTORY);
	check(fd, "bind", { path });
	try {
		const bytes = Buffer.concat([Buffer.from(`${descriptorName(fd)}/`), nameOf(exact)]);
		checkFits(bytes, nameOf(exact), path);
		return new DirectoryName({ family: "unix", path, bytes }, fd);
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

class DirectoryName implements BindingName {
	readonly address: UnixPathAddress;
	#fd: number;

	constructor(address: UnixPathAddress, fd: number) {
		this.address = address;
		this.#fd = fd;
		forgotten.register(this, fd, this);
	}

	close(): void {
		if (this.#fd < 0) return;
		forgotten.unregister(this);
		closeSync(this.#fd);
		this.#fd = -1;
	}
}

// With the number of this process, so that others of the same user can answer to it as well; as /proc has it, which may be that of another
// namespace.
function descriptorName(fd: number): string {
	try {
		return `/proc/${readlinkSync("/proc/self")}/fd/${fd}`;
	} catch (error) {
		throw new UnsupportedError(
			"a path longer than an address",
			`it is reached by /proc/self/fd; mount /proc, or take a path of ${LIMITS.unixPathBytes} bytes at most`,
			{ cause: error },
		);
	}
}

function checkFits(bytes: Uint8Array, name: Uint8Array, path: string): void {
	const excess = bytes.length - LIMITS.unixPathBytes;
	if (excess <= 0) return;
	throw new InvalidAddressError(
		path,
		`its last part has ${name.length} bytes, but only ${name.length - excess} fit into a Unix address behind ` +
			"a descriptor of its directory; take a shorter name",
	);
}
