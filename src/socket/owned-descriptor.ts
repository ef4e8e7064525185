/** `OwnedDescriptor`: an open descriptor of any kind that is somebody's, until it is closed or given away. */
import { requireInteger } from "../arguments.ts";
import { ClosedError, check, syscallError } from "../errors.ts";
import { F_SETFD, FD_CLOEXEC } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { type DescriptorKind, kindOfDescriptor } from "./descriptor-kind.ts";

/** The number, apart from its object: what the finalizer closes. */
interface Holding {
	fd: number;
}

let warned = false;

// As a socket that is forgotten: it must not cost its descriptor for ever, and is said once.
const forgotten = new FinalizationRegistry<Holding>((holding) => {
	if (holding.fd < 0) return;
	closeHeld(holding);
	if (warned) return;
	warned = true;
	process.emitWarning(
		"A descriptor was garbage-collected while open: close what takeDescriptors() and receiveMessage() hand out, or hold it with `using`",
		{ code: "SOCKETRY_FORGOTTEN" },
	);
});

/**
 * An open descriptor of any kind, such as one that came with a message. It is closed by `close()`, when this object is collected, or with the
 * thread; `adopt` makes an object of the right class of it.
 */
export class OwnedDescriptor {
	readonly #holding: Holding;
	#kind: DescriptorKind | undefined;

	private constructor(fd: number) {
		const rc = sys.engineOwn(fd);
		if (rc < 0) throw syscallError("adopt", rc);
		this.#holding = { fd };
		forgotten.register(this, this.#holding, this.#holding);
	}

	/**
	 * Takes over a descriptor and makes it close-on-exec.
	 *
	 * @param fd an open descriptor that nobody else closes; stays its owner's when this throws
	 * @throws {SyscallError} EBADF: not open. EEXIST: another object of this thread owns it
	 */
	static fromFd(fd: number): OwnedDescriptor {
		requireInteger("fd", fd, 0, 2_147_483_647);
		check(sys.fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl");
		return new OwnedDescriptor(fd);
	}

	/**
	 * @internal Takes over a descriptor that is nobody's and close-on-exec, such as one that the kernel has just made; closes it when that fails.
	 */
	static adopt(fd: number): OwnedDescriptor {
		try {
			return new OwnedDescriptor(fd);
		} catch (error) {
			sys.close(fd, 1);
			throw error;
		}
	}

	/** The number while it is open, or -1. Borrowed: never close it by number. */
	get fd(): number {
		return this.#holding.fd;
	}

	/** Whether it was closed or given away. */
	get closed(): boolean {
		return this.#holding.fd < 0;
	}

	/** What it is; looked up when first asked for, `"unknown"` if it was closed before. */
	get kind(): DescriptorKind {
		if (this.closed) return this.#kind ?? "unknown";
		this.#kind ??= kindOfDescriptor(this.#holding.fd);
		return this.#kind;
	}

	/**
	 * Gives the descriptor away, open; this object is closed then.
	 *
	 * @returns the number; whoever takes it closes it
	 * @throws {ClosedError} it is closed or given away already
	 */
	detachFd(): number {
		const { fd } = this.#holding;
		if (fd < 0) throw new ClosedError("The descriptor");
		this.#holding.fd = -1;
		forgotten.unregister(this.#holding);
		sys.engineDisown(fd);
		return fd;
	}

	/**
	 * @internal Moves the descriptor into an object that owns it. When that fails, this one still does.
	 *
	 * @param take must leave the number open and unowned when it throws
	 * @throws {ClosedError} it is closed or given away already
	 */
	moveInto<T>(take: (fd: number) => T): T {
		const { fd } = this.#holding;
		if (fd < 0) throw new ClosedError("The descriptor");
		sys.engineDisown(fd);
		this.#holding.fd = -1;
		try {
			const made = take(fd);
			forgotten.unregister(this.#holding);
			return made;
		} catch (error) {
			sys.engineOwn(fd);
			this.#holding.fd = fd;
			throw error;
		}
	}

	/** Closes it at once. A second call does nothing. close(2) */
	close(): void {
		if (this.#holding.fd < 0) return;
		forgotten.unregister(this.#holding);
		closeHeld(this.#holding);
	}

	/** As `close()`. */
	[Symbol.dispose](): void {
		this.close();
	}
}

function closeHeld(holding: Holding): void {
	const { fd } = holding;
	holding.fd = -1;
	// In one call with giving up its ownership: a thread can be terminated between any two.
	sys.close(fd, 1);
}
