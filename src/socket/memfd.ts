/** `Memfd`: memory that has a descriptor, so that another process can have the same memory. */
import { constants } from "node:buffer";
import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import {
	type Known,
	requireBoolean,
	requireBytes,
	requireInteger,
	requireOptions,
	requireString,
} from "../arguments.ts";
import {
	ClosedError,
	check,
	InvalidTypeError,
	InvalidValueError,
	LimitError,
	syscallError,
	UnsupportedError,
} from "../errors.ts";
import {
	F_ADD_SEALS,
	F_GET_SEALS,
	F_SEAL_FUTURE_WRITE,
	F_SEAL_GROW,
	F_SEAL_SEAL,
	F_SEAL_SHRINK,
	F_SEAL_WRITE,
	MFD_ALLOW_SEALING,
	MFD_CLOEXEC,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EOPNOTSUPP } from "../sys/errno.ts";
import { OwnedDescriptor } from "./owned-descriptor.ts";

/** What is forbidden for ever, to everybody who has the memory; fcntl(2), File Sealing. */
export interface Seals {
	/** It cannot become smaller. */
	readonly shrink?: boolean | undefined;
	/** It cannot become larger. */
	readonly grow?: boolean | undefined;
	/** Nobody can write to it; `"future"` leaves the shared maps that exist writable. Linux 5.1 for `"future"` */
	readonly write?: boolean | "future" | undefined;
	/** No seal can be added. */
	readonly seal?: boolean | undefined;
}

/** Options of `Memfd.map`. */
export interface MapOptions {
	/** Whether all who map it see what is written; else writing copies, a page at a time, for this map alone. Default true. */
	readonly shared?: boolean | undefined;
}

const SEALS: Known<Seals> = {
	shrink: true,
	grow: true,
	write: true,
	seal: true,
};

const MAP: Known<MapOptions> = {
	shared: true,
};

const SIZE_MAX = Number.MAX_SAFE_INTEGER;
const NAME_BYTES_MAX = 249;
const MUST_NOT_SHRINK =
	"must be sealed against shrinking, for whoever shrinks it would end the processes that have it mapped (SIGBUS): seal({ shrink: true }) first, or read() it";

/** Memory with a descriptor, to be passed along with a message. Made by `Memfd.create`, or of a descriptor that came along by `Memfd.from`. */
export class Memfd {
	readonly #owned: OwnedDescriptor;

	private constructor(owned: OwnedDescriptor) {
		this.#owned = owned;
	}

	/**
	 * Makes memory that is all zeros, and takes up room only where it is written to.
	 *
	 * @param name only shown, in /proc/PID/fd and /proc/PID/maps; 249 bytes in UTF-8 at the most, without NUL
	 * @throws {SyscallError} EMFILE, ENFILE, ENOMEM
	 * @see memfd_create(2)
	 */
	static create(sizeBytes: number, name = "socketry"): Memfd {
		requireInteger("sizeBytes", sizeBytes, 0, SIZE_MAX);
		const shown = Buffer.from(requireString("name", name));
		if (shown.length > NAME_BYTES_MAX || shown.includes(0)) {
			throw new InvalidValueError(
				"name",
				`must have ${NAME_BYTES_MAX} bytes at the most, and no NUL`,
				name,
			);
		}
		const fd = check(sys.memfd_create(shown, MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
		const made = new Memfd(OwnedDescriptor.adopt(fd));
		try {
			ftruncateSync(fd, sizeBytes);
			return made;
		} catch (error) {
			made.close();
			throw error;
		}
	}

	/**
	 * Takes over a descriptor.
	 *
	 * @param owned taken: it is closed by that
	 * @throws {InvalidValueError} it is no memory; it stays as it was
	 * @throws {ClosedError} it is closed
	 */
	static from(owned: OwnedDescriptor): Memfd {
		if (!(owned instanceof OwnedDescriptor)) {
			throw new InvalidTypeError("owned", "an OwnedDescriptor", owned);
		}
		if (owned.closed) throw new ClosedError("The descriptor");
		if (owned.kind !== "memfd")
			throw new InvalidValueError("owned", "must be of kind memfd", owned.kind);
		return new Memfd(owned.moveInto((fd) => OwnedDescriptor.fromFd(fd)));
	}

	/** The number while it is open, or -1. Borrowed: never close it by number. */
	get fd(): number {
		return this.#owned.fd;
	}

	/** Whether it was closed or given away. */
	get closed(): boolean {
		return this.#owned.closed;
	}

	/** How large it is now, in bytes; who has it can change that unless it is sealed. */
	get sizeBytes(): number {
		return fstatSync(this.#openFd()).size;
	}

	/** What is forbidden. */
	get seals(): Required<Seals> {
		const bits = this.#sealBits();
		const has = (bit: number): boolean => (bits & bit) !== 0;
		const write = has(F_SEAL_WRITE) || (has(F_SEAL_FUTURE_WRITE) && "future");
		return { shrink: has(F_SEAL_SHRINK), grow: has(F_SEAL_GROW), write, seal: has(F_SEAL_SEAL) };
	}

	/**
	 * Forbids things for ever.
	 *
	 * @throws {SyscallError} EPERM: no more seals can be added. EBUSY: `write`, and it is mapped as shared memory somewhere
	 * @see fcntl(2), F_ADD_SEALS
	 */
	seal(seals: Seals): void {
		const { shrink, grow, write, seal } = requireOptions(seals, SEALS, "seals");
		let bits = 0;
		if (isSet("shrink", shrink)) bits |= F_SEAL_SHRINK;
		if (isSet("grow", grow)) bits |= F_SEAL_GROW;
		if (write === "future") bits |= F_SEAL_FUTURE_WRITE;
		else if (isSet("write", write)) bits |= F_SEAL_WRITE;
		if (isSet("seal", seal)) bits |= F_SEAL_SEAL;
		check(sys.fcntl(this.#openFd(), F_ADD_SEALS, bits), "fcntl");
	}

	/**
	 * Copies bytes into it. What lies behind its end makes it larger.
	 *
	 * @param position of the first byte, from the beginning of the memory
	 * @throws {Error} EPERM of Node: a seal forbids it
	 */
	write(data: Uint8Array, position: number): void {
		const bytes = requireBytes("data", data);
		requireInteger("position", position, 0, SIZE_MAX);
		let done = 0;
		while (done < bytes.length) {
			done += writeSync(this.#openFd(), bytes, done, bytes.length - done, position + done);
		}
	}

	/**
	 * Copies bytes out of it, as many as `target` holds.
	 *
	 * @param position of the first byte, from the beginning of the memory
	 * @returns how many there were; fewer only at the end
	 * @throws {InvalidTypeError | OutOfRangeError} `target` is no buffer, or the position none
	 * @throws {ClosedError} it is closed
	 */
	read(target: Uint8Array, position: number): number {
		const bytes = requireBytes("target", target);
		requireInteger("position", position, 0, SIZE_MAX);
		let done = 0;
		while (done < bytes.length) {
			const read = readSync(this.#openFd(), bytes, done, bytes.length - done, position + done);
			if (read === 0) break;
			done += read;
		}
		return done;
	}

	/**
	 * Maps all of it: the bytes are there without being copied, for as long as the array is, also after `close()`. The map ends when the array
	 * is collected.
	 *
	 * @throws {InvalidValueError} it is not sealed against shrinking, or `shared` and it is sealed against writing
	 * @throws {LimitError} it is larger than an array of this Node can be: 4 GiB in Node 20
	 * @throws {SyscallError} ENOMEM
	 * @throws {UnsupportedError} this build of Node takes no memory from outside
	 * @see mmap(2)
	 */
	map(options: MapOptions = {}): Uint8Array {
		const { shared = true } = requireOptions(options, MAP);
		requireBoolean("shared", shared);
		const bits = this.#sealBits();
		if ((bits & F_SEAL_SHRINK) === 0) throw new InvalidValueError("memory", MUST_NOT_SHRINK, this);
		if (shared && (bits & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) {
			throw new InvalidValueError(
				"shared",
				"must be false, for the memory is sealed against writing",
				shared,
			);
		}
		const { sizeBytes } = this;
		if (sizeBytes === 0) return new Uint8Array(0);
		const allowed = constants.MAX_LENGTH;
		if (sizeBytes > allowed) {
			throw new LimitError(
				"mappedBytes",
				sizeBytes,
				allowed,
				"read() it in parts, or use a newer Node",
			);
		}
		const mapped = sys.mmap(this.#openFd(), sizeBytes, shared ? 1 : 0);
		if (typeof mapped !== "number") return new Uint8Array(mapped);
		if (mapped !== EOPNOTSUPP) throw syscallError("mmap", mapped);
		throw new UnsupportedError(
			"mapping memory",
			"this build of Node takes no memory from outside; use read()",
		);
	}

	/**
	 * Gives the descriptor away, open; this object is closed then.
	 *
	 * @returns the number; whoever takes it closes it
	 * @throws {ClosedError} it is closed or given away already
	 */
	detachFd(): number {
		return this.#owned.detachFd();
	}

	/** Closes the descriptor; the memory is there until the last descriptor and the last map have gone. A second call does nothing. */
	close(): void {
		this.#owned.close();
	}

	/** As `close()`. */
	[Symbol.dispose](): void {
		this.close();
	}

	#sealBits(): number {
		return check(sys.fcntl(this.#openFd(), F_GET_SEALS), "fcntl");
	}

	#openFd(): number {
		const { fd } = this.#owned;
		if (fd < 0) throw new ClosedError("The memory");
		return fd;
	}
}

function isSet(name: string, value: unknown): boolean {
	return value !== undefined && requireBoolean(name, value);
}
