/**
 * Socket files: made with the mode and owner asked for, taken over as asked, removed only when they are still ours.
 *
 * A file is known by its device and inode, never by its path alone: another process may have put its own in the place meanwhile. Whatever
 * changes what a path leads to does so under the lock of that path.
 */
import { type BigIntStats, lstatSync, renameSync, unlinkSync } from "node:fs";
import { check, syscallError } from "../errors.ts";
import type { SocketType } from "../socket/kind.ts";
import { encodeSocketAddress, type UnixPathAddress } from "../socket/sockaddr.ts";
import type { Socket } from "../socket/socket.ts";
import type { BoundFile } from "../stream/connection.ts";
import { sys } from "../sys/current.ts";
import { EADDRINUSE, EAGAIN } from "../sys/errno.ts";
import type { Group, User } from "./accounts.ts";
import { type BindingName, bindingName } from "./binding-name.ts";
import { isDead } from "./dead-file.ts";
import { type FileAccess, fileAccess, restrictAccess, settleAccess } from "./file-access.ts";
import { FileLock } from "./file-lock.ts";
import { absolutePath, besidePath, directoryOf, isSameFile, typedFileError } from "./path-bytes.ts";
import { makeSocketDirectory } from "./socket-directory.ts";

/** Options of everything that binds a Unix path. */
export interface SocketFileOptions {
	/**
	 * Permissions of the socket file, 0..0o777, in force from its first moment. Refused, as are `owner` and `group`, for an address that has no file.
	 * Default: 0o777 less the umask, as the kernel does.
	 */
	readonly mode?: number | undefined;
	/**
	 * Owner of the socket file: the number of a user, or a name in /etc/passwd. Until it is set nobody but root can use the file. Only root may
	 * give files to others. Default: the user of this process.
	 */
	readonly owner?: User | undefined;
	/**
	 * Group of the socket file: a number, or a name in /etc/group. Until it is set nobody but its owner and root can use the file. Other users than root
	 * may choose among their own groups. Default: the group of this process, or of a directory with the set-group-id bit.
	 */
	readonly group?: Group | undefined;
	/**
	 * Makes the directory of the socket file, with mode 0700 and for `owner`; one that is there must be safe: it belongs to this process, to
	 * `owner` or to root, and others cannot write to it, or it is sticky. What lies above must exist, and is not looked at. Default false.
	 */
	readonly makeDirectory?: boolean | undefined;
	/**
	 * What to do with a socket file that is there already: `"error"`, the default, fails with EADDRINUSE. `"replace-dead"` replaces it if no
	 * socket is bound to it any more. `"replace"` replaces it in any case: at every moment a client finds the old listener or the new one, and
	 * the old one goes on without a name (datagram sockets are an exception: the file is missing for a moment). Anything that is no socket is
	 * never touched.
	 */
	readonly onStale?: "error" | "replace-dead" | "replace" | undefined;
}

/** A file that a socket is bound to. */
export interface SocketFile extends BoundFile {
	/**
	 * Puts the file in its place, if it is to replace another: to be called when the socket listens. Does nothing otherwise.
	 *
	 * @throws {SyscallError} EADDRINUSE: something that is no socket is there
	 */
	publish(): void;
}

/**
 * Binds a socket to a path.
 *
 * @param options checked
 * @throws {SyscallError} EADDRINUSE: the path exists. EACCES, EPERM, ENOENT, ENOTDIR, EROFS
 * @throws {UnsafePathError} the directory that was to be made is there, and others can change it
 * @throws {InvalidAddressError} the last part of a path that is longer than an address is too long as well
 * @throws {InvalidValueError} there is no user or group of this name
 */
export function bindSocketFile(
	target: Socket,
	address: UnixPathAddress,
	type: SocketType,
	options: SocketFileOptions,
): SocketFile {
	const path = absolutePath(address);
	const access = fileAccess(options);
	const { makeDirectory, onStale = "error" } = options;
	const place: Place = { target, address, path, access };
	try {
		if (makeDirectory === true) makeSocketDirectory(directoryOf(path), access.owner);
		restrictAccess(target.openFd(), access);
		const lock = FileLock.take(path);
		const isBeside = onStale === "replace" && type !== "dgram";
		if (lock instanceof FileLock) return bindLocked(place, type, onStale, isBeside, lock);
		// Nothing is replaced without a lock. What keeps it from us, be it rights, room or descriptors, would keep the file from us as well.
		if (isBeside) check(lock === EAGAIN ? EADDRINUSE : lock, "bind", { path: address.path });
		return bindInPlace(place, type, "error");
	} catch (error) {
		throw typedFileError(error, address.path);
	}
}

type StalePolicy = NonNullable<SocketFileOptions["onStale"]>;

interface Place {
	readonly target: Socket;
	readonly address: UnixPathAddress;
	/** Of the file, from the root. */
	readonly path: Buffer;
	readonly access: FileAccess;
}

function bindLocked(
	place: Place,
	type: SocketType,
	onStale: StalePolicy,
	isBeside: boolean,
	lock: FileLock,
): SocketFile {
	try {
		const beside = besidePath(place.path, "new");
		// Of somebody who died with the lock in his hands.
		const left = lstatSync(beside, { bigint: true, throwIfNoEntry: false });
		if (left?.isSocket()) removeIfSame(beside, left);
		// Then the lock is held until the file is in its place.
		if (isBeside) return bindTo(place, { beside, lock });
		const file = bindInPlace(place, type, onStale);
		lock.release();
		return file;
	} catch (error) {
		lock.release();
		throw error;
	}
}

function bindInPlace(place: Place, type: SocketType, onStale: StalePolicy): SocketFile {
	try {
		return bindTo(place);
	} catch (error) {
		if (onStale === "error" || (error as { errno?: number }).errno !== EADDRINUSE) throw error;
	}
	makeRoom(place, type, onStale);
	return bindTo(place);
}

// For a moment the path leads nowhere. Datagram sockets have to put up with that: their peers answer to the name that they are bound to.
function makeRoom({ address, path }: Place, type: SocketType, onStale: StalePolicy): void {
	const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
	// It may be gone by now: then there is nothing to replace.
	if (found === undefined) return;
	if (!found.isSocket() || (onStale === "replace-dead" && !isDead(address, type, path, found))) {
		throw syscallError("bind", EADDRINUSE, { path: address.path });
	}
	removeIfSame(path, found);
}

function bindTo({ target, address, path, access }: Place, succession?: Succession): SocketFile {
	const { beside } = succession ?? {};
	const name = bindingName(beside === undefined ? address : { ...address, bytes: beside });
	const place = beside ?? path;
	let found: BigIntStats | undefined;
	try {
		const rc = sys.bind(target.openFd(), encodeSocketAddress(name.address));
		check(rc, "bind", { path: address.path });
		found = lstatSync(place, { bigint: true });
		settleAccess(place, found, access);
		return new OwnFile(address, path, found, name, succession);
	} catch (error) {
		if (found !== undefined) removeIfSame(place, found);
		name.close();
		throw error;
	}
}

type Identity = Pick<BigIntStats, "dev" | "ino">;

/** A file that can be somebody else's, until it is claimed. */
export interface ClaimableFile extends BoundFile {
	/** Takes back what `disown` left. */
	claim(): void;
}

/** A file that is ours to remove, as far as device and inode say that it is still the same. */
export function ownedFile(path: Buffer, identity: Identity): ClaimableFile {
	const text = String(path);
	const isText = Buffer.from(text).equals(path);
	const address = { family: "unix", path: text, ...(!isText && { bytes: path }) } as const;
	return new OwnFile(address, path, identity);
}

/** How a file gets to a path where another one may be. */
interface Succession {
	/** Where it is until then. */
	readonly beside: Buffer;
	/** Of the path; held until then. */
	readonly lock: FileLock;
}

class OwnFile implements SocketFile, ClaimableFile {
	readonly address: UnixPathAddress;
	readonly path: Buffer;
	readonly dev: bigint;
	readonly ino: bigint;
	readonly #name: BindingName | undefined;
	#succession: Succession | undefined;
	#isOwned = true;

	constructor(
		address: UnixPathAddress,
		path: Buffer,
		{ dev, ino }: Identity,
		name?: BindingName,
		succession?: Succession,
	) {
		this.address = address;
		this.path = path;
		this.dev = dev;
		this.ino = ino;
		this.#name = name;
		this.#succession = succession;
	}

	get isOwned(): boolean {
		return this.#isOwned;
	}

	publish(): void {
		if (this.#succession === undefined) return;
		const { beside, lock } = this.#succession;
		const shown = this.address.path;
		try {
			const there = lstatSync(this.path, { throwIfNoEntry: false });
			if (there !== undefined && !there.isSocket()) {
				throw syscallError("bind", EADDRINUSE, { path: shown });
			}
			renameSync(beside, this.path);
		} catch (error) {
			throw typedFileError(error, shown);
		}
		this.#succession = undefined;
		lock.release();
	}

	claim(): void {
		this.#isOwned = true;
	}

	disown(): void {
		this.#isOwned = false;
		this.#name?.close();
	}

	remove(): void {
		if (!this.#isOwned) return;
		this.disown();
		if (this.#succession === undefined) {
			removeLocked(this.path, this);
			return;
		}
		removeIfSame(this.#succession.beside, this);
		this.#succession.lock.release();
	}
}

function removeLocked(path: Buffer, identity: Identity): void {
	// Asked without a lock first: who was replaced needs none.
	if (!isSameFile(path, identity)) return;
	const lock = FileLock.take(path);
	// Who holds it is about to put another file there.
	if (lock === EAGAIN) return;
	removeIfSame(path, identity);
	if (lock instanceof FileLock) lock.release();
}

// To be called under the lock of the path, so that the file does not change between the look and the removal.
function removeIfSame(path: Buffer, identity: Identity): void {
	try {
		if (isSameFile(path, identity)) unlinkSync(path);
	} catch {
		// Out of reach: not ours to remove any more.
	}
}
