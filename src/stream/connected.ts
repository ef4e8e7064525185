/** What streams and packet streams have in common: two ends with names and owners, and a writing side that ends by itself. */
import { ClosedError, check } from "../errors.ts";
import type { AddressOf } from "../socket/address.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { PeerCredentials } from "../socket/peer-credentials.ts";
import type { PidfdOptions } from "../socket/peer-pidfd.ts";
import type { SocketTransport } from "../socket/transport.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import { SHUT_WR } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { ENOTCONN } from "../sys/errno.ts";
import type { Connection } from "./connection.ts";
import { OpenSocket } from "./open-socket.ts";
import { DONE } from "./turn-budget.ts";

/** What errors call a connection and its writing side. */
export interface ConnectedNames {
	readonly whole: string;
	readonly writing: string;
}

/** An object that owns a connection until it is closed. */
export abstract class Connected<T extends SocketTransport> extends OpenSocket {
	/** @internal */
	protected readonly connection: Connection;
	#writeEnd: Promise<void> | undefined;

	/** @internal */
	protected constructor(connection: Connection) {
		super(connection.socket);
		this.connection = connection;
	}

	/** Address of this end; getsockname(2). */
	get address(): AddressOf<T> {
		return this.connection.address as AddressOf<T>;
	}

	/** Address of the other end, unnamed for a Unix client that did not bind; getpeername(2). */
	get peer(): AddressOf<T> {
		return this.connection.peer as AddressOf<T>;
	}

	/**
	 * Who is at the other end of a Unix connection: see `PeerCredentials` for the moment of which they tell. Read when first asked for, and
	 * known from then on, also after closing; a connection that a policy of `listen` let in has them from the start.
	 *
	 * @throws {UnsupportedError} this is no Unix connection
	 * @throws {ClosedError} it was closed before anybody asked
	 */
	get peerCredentials(): PeerCredentials {
		return this.connection.peerCredentials;
	}

	/**
	 * Opens the process that made the other end, whose number in `peerCredentials` may be another's by now. `isAlive` tells whether it still
	 * runs; what is looked up by its number between two such answers is its own.
	 *
	 * @returns a pidfd, yours to close; pidfd_open(2)
	 * @throws {UnsupportedError} this is no Unix connection; or the kernel is older than Linux 6.5, and `allowRace` was not given
	 * @throws {SyscallError} ESRCH: the process has ended, which kernels before 6.16 tell in this way. EMFILE
	 * @throws {ClosedError} it was closed
	 */
	openPeerPidfd(options?: PidfdOptions): OwnedDescriptor {
		return this.connection.openPeerPidfd(options);
	}

	closeWrite(options?: WaitOptions): Promise<void> {
		if (this.#writeEnd !== undefined) return this.#writeEnd;
		try {
			checkWait(options);
			this.checkOpen();
		} catch (error) {
			return Promise.reject(error);
		}
		this.#writeEnd = this.#endWriting(options);
		return this.#writeEnd;
	}

	/** @internal Whether writing was ended, or is about to end. */
	get writeEnded(): boolean {
		return this.#writeEnd !== undefined;
	}

	/** @internal Ends writing, as another owner of the connection had done before. */
	restoreWriteEnd(): void {
		this.#writeEnd = DONE;
	}

	/** @internal What errors call it. */
	protected abstract get names(): ConnectedNames;

	/** @internal Resolves when everything that was written has left. */
	protected abstract sendAll(options: WaitOptions | undefined): Promise<void>;

	/** @internal */
	protected checkOpen(): void {
		if (this.closed) throw new ClosedError(this.names.whole);
	}

	/** @internal Throws when nothing can be written any more, or the options are wrong. */
	protected checkWritable(options: WaitOptions | undefined): void {
		if (options !== undefined) checkWait(options);
		this.checkOpen();
		if (this.#writeEnd !== undefined) throw new ClosedError(this.names.writing);
	}

	async #endWriting(options: WaitOptions | undefined): Promise<void> {
		try {
			await this.sendAll(options);
		} catch (error) {
			// Writing has not ended: it may go on, or end later.
			this.#writeEnd = undefined;
			throw error;
		}
		if (this.socket.closed) throw new ClosedError(this.names.whole);
		const rc = sys.shutdown(this.socket.fd, SHUT_WR);
		// The peer has reset the connection: whatever was sent is out of our hands, and reading tells the rest.
		if (rc !== ENOTCONN) check(rc, "shutdown");
	}
}
