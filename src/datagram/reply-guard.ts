/**
 * Keeps a server of datagrams from being turned against others. A sender's address proves nothing: whoever forges it has the answers sent to
 * a victim. So an unproven address never gets more than a few times what came from it, and what looks like an answer is not answered.
 */
import { requireInteger, requireObject } from "../arguments.ts";
import { type Address, formatAddress } from "../socket/address.ts";

/** Options of a `ReplyGuard`. */
export interface ReplyGuardOptions {
	/** How many times the bytes that came from an unproven address may be sent to it, 1..100. Default 3; RFC 9000 section 8.1. */
	readonly factor?: number | undefined;
	/**
	 * Ports whose datagrams are not answered, because servers send from them: above all the own one, for two such servers would answer each
	 * other for ever. Default: none.
	 */
	readonly serverPorts?: readonly number[] | undefined;
	/** Addresses to keep account of, 1..1048576; what was heard longest ago is forgotten first. Default 4096. */
	readonly peersMax?: number | undefined;
}

interface Account {
	receivedBytes: number;
	sentBytes: number;
	isProven: boolean;
}

/** Decides which datagrams may be answered, and with how much. Does no input or output itself. */
export class ReplyGuard {
	/** Datagrams that looked like answers. */
	loopCount = 0;
	/** Replies that would have been too large. */
	amplifiedCount = 0;
	readonly #factor: number;
	readonly #serverPorts: ReadonlySet<number>;
	readonly #peersMax: number;
	// In order of the last datagram heard.
	readonly #accounts = new Map<string, Account>();

	constructor(options: ReplyGuardOptions = {}) {
		requireObject("options", options);
		const { factor = 3, serverPorts = [], peersMax = 4_096 } = options;
		this.#factor = requireInteger("factor", factor, 1, 100);
		this.#peersMax = requireInteger("peersMax", peersMax, 1, 1_048_576);
		this.#serverPorts = new Set(
			serverPorts.map((port) => requireInteger("serverPorts", port, 0, 65_535)),
		);
	}

	/**
	 * Takes note of a datagram.
	 *
	 * @param bytes its true length
	 * @returns whether it may be answered at all
	 */
	heard(from: Address, bytes: number): boolean {
		if ("port" in from && this.#serverPorts.has(from.port)) {
			this.loopCount++;
			return false;
		}
		const key = formatAddress(from);
		const account = this.#accounts.get(key) ?? { receivedBytes: 0, sentBytes: 0, isProven: false };
		account.receivedBytes += bytes;
		this.#accounts.delete(key);
		this.#accounts.set(key, account);
		if (this.#accounts.size > this.#peersMax) {
			for (const oldest of this.#accounts.keys()) {
				this.#accounts.delete(oldest);
				break;
			}
		}
		return true;
	}

	/**
	 * Says whether a reply of so many bytes may be sent to the address, and counts it as sent if so.
	 *
	 * @returns false when nothing was heard from there, or too little
	 */
	mayReply(to: Address, bytes: number): boolean {
		const account = this.#accounts.get(formatAddress(to));
		const allowed = account === undefined ? 0 : account.receivedBytes * this.#factor;
		if (account?.isProven) return true;
		if (account === undefined || account.sentBytes + bytes > allowed) {
			this.amplifiedCount++;
			return false;
		}
		account.sentBytes += bytes;
		return true;
	}

	/** Lifts the limit for an address that has shown it receives what is sent to it: it echoed a token that only it could know. */
	prove(address: Address): void {
		const account = this.#accounts.get(formatAddress(address));
		if (account !== undefined) account.isProven = true;
	}
}
