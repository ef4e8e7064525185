/**
 * Keeps a server of datagrams from being turned against others. A sender's address proves nothing: whoever forges it has the answers sent to
 * a victim. So an unproven address never gets more than a few times what came from it, what looks like an answer is not answered, and no
 * exchange goes on without a pause: servers that take each other's answers for questions fall silent in it.
 */
import { type Known, requireFunction, requireInteger, requireOptions } from "../arguments.ts";
import { type Address, formatAddress } from "../socket/address.ts";

/** Options of a `ReplyGuard`. */
export interface ReplyGuardOptions {
	/** How many times the bytes that came from an unproven address may be sent to it, 1..100. Default 3; RFC 9000 section 8.1. */
	readonly factor?: number | undefined;
	/**
	 * Ports whose datagrams are not answered, because servers send from them: above all the own one, for two such servers would answer each
	 * other until `maxReplies` ends it. Default: none.
	 */
	readonly serverPorts?: readonly number[] | undefined;
	/** Replies that an unproven address gets before it gets none for `pauseMs`, unless it pauses by itself, 1..2147483647. Default 10000. */
	readonly maxReplies?: number | undefined;
	/**
	 * How long that is, in milliseconds, 1..3600000. Servers that answer each other stop for good when it is longer than their datagrams
	 * take there and back. Default 1000.
	 */
	readonly pauseMs?: number | undefined;
	/** The time in milliseconds, from whenever on. Default `performance.now`. */
	readonly now?: (() => number) | undefined;
	/** Addresses to keep account of, 1..1048576; what was heard longest ago is forgotten first, and begins anew. Default 4096. */
	readonly maxPeers?: number | undefined;
}

const KNOWN: Known<ReplyGuardOptions> = {
	factor: true,
	serverPorts: true,
	maxReplies: true,
	pauseMs: true,
	now: true,
	maxPeers: true,
};

interface Account {
	receivedBytes: number;
	sentBytes: number;
	isProven: boolean;
	heardMs: number;
	/** Since it last paused. */
	repliesCount: number;
	pausedUntilMs: number;
}

const COUNT_MAX = 2_147_483_647;
const PAUSE_MS_MAX = 3_600_000;

/** Decides which datagrams may be answered, and with how much. Does no input or output itself. */
export class ReplyGuard {
	/** Datagrams that looked like answers. */
	loopCount = 0;
	/** Replies that would have been too large. */
	amplifiedCount = 0;
	/** Datagrams that were not to be answered, and replies that were not to be sent, because their address had had `maxReplies` in a row. */
	pausedCount = 0;
	readonly #factor: number;
	readonly #serverPorts: ReadonlySet<number>;
	readonly #maxPeers: number;
	readonly #maxReplies: number;
	readonly #pauseMs: number;
	readonly #now: () => number;
	// In order of the last datagram heard.
	readonly #accounts = new Map<string, Account>();

	constructor(options: ReplyGuardOptions = {}) {
		requireOptions(options, KNOWN);
		const { factor = 3, serverPorts = [], maxPeers = 4_096 } = options;
		const { maxReplies = 10_000, pauseMs = 1_000, now = () => performance.now() } = options;
		this.#factor = requireInteger("factor", factor, 1, 100);
		this.#maxPeers = requireInteger("maxPeers", maxPeers, 1, 1_048_576);
		this.#maxReplies = requireInteger("maxReplies", maxReplies, 1, COUNT_MAX);
		this.#pauseMs = requireInteger("pauseMs", pauseMs, 1, PAUSE_MS_MAX);
		this.#now = requireFunction("now", now);
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
		const account = this.#accountOf(formatAddress(from));
		const now = this.#now();
		if (now - account.heardMs >= this.#pauseMs) account.repliesCount = 0;
		account.heardMs = now;
		if (this.#isPaused(account, now)) return false;
		account.receivedBytes += bytes;
		return true;
	}

	/**
	 * Says whether a reply of so many bytes may be sent to the address, and counts it as sent if so.
	 *
	 * @returns false when nothing was heard from there, or too little
	 */
	mayReply(to: Address, bytes: number): boolean {
		const account = this.#accounts.get(formatAddress(to));
		if (account?.isProven) return true;
		const now = this.#now();
		if (account !== undefined && this.#isPaused(account, now)) return false;
		const allowed = account === undefined ? 0 : account.receivedBytes * this.#factor;
		if (account === undefined || account.sentBytes + bytes > allowed) {
			this.amplifiedCount++;
			return false;
		}
		account.sentBytes += bytes;
		if (++account.repliesCount === this.#maxReplies) {
			account.repliesCount = 0;
			account.pausedUntilMs = now + this.#pauseMs;
		}
		return true;
	}

	/**
	 * Lifts the limits for an address that has shown it receives what is sent to it: it told a token that only it could know. Not by sending
	 * back the very bytes that it got, for a server that does so with everything would be proven, and answered for ever.
	 */
	prove(address: Address): void {
		const account = this.#accounts.get(formatAddress(address));
		if (account !== undefined) account.isProven = true;
	}

	#isPaused({ isProven, pausedUntilMs }: Account, now: number): boolean {
		if (isProven || now >= pausedUntilMs) return false;
		this.pausedCount++;
		return true;
	}

	// Moves it to the end, and forgets the first one when there are too many.
	#accountOf(key: string): Account {
		const account = this.#accounts.get(key) ?? {
			receivedBytes: 0,
			sentBytes: 0,
			isProven: false,
			heardMs: Number.NEGATIVE_INFINITY,
			repliesCount: 0,
			pausedUntilMs: Number.NEGATIVE_INFINITY,
		};
		this.#accounts.delete(key);
		this.#accounts.set(key, account);
		if (this.#accounts.size > this.#maxPeers) {
			for (const oldest of this.#accounts.keys()) {
				this.#accounts.delete(oldest);
				break;
			}
		}
		return account;
	}
}
