/** Who is let in: asks the policy of a listener about each connection, before anything is read from it. */
import { AsyncResource } from "node:async_hooks";
import { InvalidTypeError, InvalidValueError } from "../errors.ts";
import { showValue } from "../show-value.ts";
import type { Address } from "../socket/address.ts";
import {
	hasPeerCredentials,
	type PeerCredentials,
	readPeerCredentials,
	requirePeerCredentials,
} from "../socket/peer-credentials.ts";
import type { Socket } from "../socket/socket.ts";
import type { SocketTransport } from "../socket/transport.ts";
import { type PeerPolicy, sameUser } from "./allow.ts";

/** A connection that was refused for who made it. */
export interface RefusedPeer {
	/** Who it was; undefined when the kernel would not tell, which is then in `error`. */
	readonly peer: PeerCredentials | undefined;
	/** What the policy threw, or what was wrong with its answer; undefined when it simply said no. */
	readonly error: unknown;
}

/** Options of `listen` for Unix sockets. */
export interface AdmissionOptions {
	/**
	 * Who may connect: `sameUser()`, `users([...])`, `groups([...])`, `anyone()` or a function of your own. Others are disconnected before a
	 * byte is read, and counted in `refusedPeersCount`. Default: for abstract names `sameUser()`; for paths `anyone()`, for there the
	 * file's mode and its directories decide. For Unix streams and seqpackets only: datagrams have no connection, and tell the credentials of each message.
	 */
	readonly allow?: PeerPolicy | undefined;
	/**
	 * Called with each peer that was refused, after it was disconnected. What it throws reaches who accepts. Without it, the first error of
	 * a policy becomes a warning of the process.
	 */
	readonly onRefused?: ((refused: RefusedPeer) => void) | undefined;
}

/** Asks one policy. */
export class Admission {
	readonly #policy: PeerPolicy;
	readonly #onRefused: AdmissionOptions["onRefused"];
	#refused = 0;
	#warned = false;

	private constructor(policy: PeerPolicy, onRefused: AdmissionOptions["onRefused"]) {
		this.#policy = policy;
		this.#onRefused = onRefused;
	}

	/**
	 * The admission of a listener; undefined when everybody is let in without a question.
	 *
	 * @param address on which it listens
	 * @throws {UnsupportedError} a policy for a transport whose peers have no credentials
	 */
	static of(
		transport: SocketTransport,
		address: Address,
		{ allow, onRefused }: AdmissionOptions,
	): Admission | undefined {
		checkAdmission(transport, { allow, onRefused });
		const isAbstract = hasPeerCredentials(transport) && "abstract" in address;
		const policy = allow ?? (isAbstract ? sameUser() : undefined);
		// They run whenever somebody connects: let them find their caller's AsyncLocalStorage.
		return (
			policy &&
			new Admission(
				policy === allow ? AsyncResource.bind(policy) : policy,
				onRefused && AsyncResource.bind(onRefused),
			)
		);
	}

	/** Peers refused so far. */
	get refusedCount(): number {
		return this.#refused;
	}

	/** Returns who it is, when it may come in. Otherwise closes the socket, tells, and returns undefined. */
	admit(socket: Socket): PeerCredentials | undefined {
		let peer: PeerCredentials | undefined;
		let error: unknown;
		try {
			peer = readPeerCredentials(socket);
			const answer: unknown = this.#policy(peer);
			if (answer === true) return peer;
			if (answer !== false) throw new InvalidTypeError("allow()", "true or false at once", answer);
		} catch (thrown) {
			error = thrown;
		}
		socket.close();
		this.#refused++;
		this.#tell({ peer, error });
		return undefined;
	}

	#tell(refused: RefusedPeer): void {
		if (this.#onRefused !== undefined) this.#onRefused(refused);
		else if (refused.error !== undefined && !this.#warned) {
			this.#warned = true;
			process.emitWarning(
				`The policy of a listener failed, and the peer was refused: ${messageOf(refused.error)}`,
				{ code: "SOCKETRY_POLICY", detail: "Give listen() an onRefused to be told of each" },
			);
		}
	}
}

/**
 * Checks the options before anything is opened.
 *
 * @throws {UnsupportedError} they are for a transport whose peers have no credentials
 */
export function checkAdmission(
	transport: SocketTransport,
	{ allow, onRefused }: AdmissionOptions,
): void {
	requirePolicy("allow", allow);
	if (allow !== undefined) requirePeerCredentials(transport, "allow");
	if (onRefused !== undefined) requirePeerCredentials(transport, "onRefused");
}

/**
 * Refuses what is no policy.
 *
 * @throws {InvalidTypeError} it is neither a function nor undefined
 */
export function requirePolicy(name: string, value: unknown): void {
	if (value === undefined || typeof value === "function") return;
	throw new InvalidTypeError(name, "a function, such as users() and groups() make", value);
}

/**
 * Refuses a policy where nobody connects.
 *
 * @throws {InvalidValueError} there is one
 */
export function refuseAdmission({ allow }: AdmissionOptions): void {
	if (allow === undefined) return;
	const rule =
		"must be left out: datagrams have no connection; ask for receiveCredentials and look at those of each";
	throw new InvalidValueError("allow", rule, allow);
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : showValue(error);
}
