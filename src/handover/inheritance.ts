/** The new process's part of a hand-over: from its first word to the moment at which everything is its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { HandoverError, SyscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { connect } from "../open/connect.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import type { UnixAddress } from "../socket/address.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import { isAlive } from "../socket/peer-pidfd.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { Heirloom } from "./heirloom.ts";
import { type Message, type MessageOf, PROTOCOLS } from "./protocol.ts";
import { type Said, Wire } from "./wire.ts";

/** A socket that was given, by what it is called and was asked for. */
export interface Given {
	readonly name: string;
	readonly asked: string;
	readonly heirloom: Heirloom;
}

/** What a new process takes besides the sockets that it serves on. */
export type Takes = Pick<MessageOf<"mine">, "takesConnections" | "takesDatagrams">;

const STEP = { timeoutMs: LIMITS.handoverStepMs };
const DEATH_MS = 2_000;
const DEATH_LOOK_MS = 2;

/** What a new process was given, and what it may do with it: claim it, or let it go. */
export class Inheritance {
	/** Process id that the old process told. */
	pid = 0;
	/** Its state; empty when it has none. */
	state: Uint8Array = new Uint8Array();
	/** The listener at which the old process was asked, to be asked at next. */
	post: Heirloom | undefined;
	/** What it has given, and was not taken out. */
	readonly given: Given[] = [];
	readonly wire: Wire;
	readonly #pidfd: OwnedDescriptor;

	/** @param pidfd of the old process; taken */
	constructor(wire: Wire, pidfd: OwnedDescriptor) {
		this.wire = wire;
		this.#pidfd = pidfd;
	}

	/** Says hello, and takes what is given. Errors as of `Wire.expect`. */
	async receive(left: () => WaitOptions): Promise<void> {
		await this.wire
			.send({ kind: "hello", protocols: PROTOCOLS, pid: process.pid })
			.catch(ignoreEnd);
		const { message: welcome, descriptor } = await this.#firstAnswer(left());
		this.post = new Heirloom(passed(descriptor), welcome.file);
		this.pid = welcome.pid;
		for (let i = 0; i < welcome.socketCount; i++) {
			const { message, descriptor: each } = await this.wire.expect(["socket"], left());
			const { name, asked, file } = message;
			this.given.push({ name, asked, heirloom: new Heirloom(passed(each), file) });
		}
		this.state = await this.wire.expectBytes(welcome.stateBytes, left());
	}

	/** Takes one out: by name and address, or by its address alone, for a socket may be called differently by now. */
	take(name: string, asked: string): Heirloom | undefined {
		const found =
			this.given.find((each) => each.name === name && each.asked === asked) ??
			this.given.find((each) => each.asked === asked);
		if (found !== undefined) this.given.splice(this.given.indexOf(found), 1);
		return found?.heirloom;
	}

	/**
	 * Becomes the owner of everything; the old process stops accepting. Also succeeds when the old one has died meanwhile, for then nobody else is.
	 *
	 * @throws {HandoverError | TimeoutError | AbortError} the old one goes on
	 */
	async claim(takes: Takes, options: WaitOptions): Promise<void> {
		try {
			await this.#say({ kind: "ready" });
			await this.wire.expect(["yours"], options);
			await this.#say({ kind: "mine", ...takes });
		} catch (error) {
			const hasEnded = error instanceof HandoverError && error.reason === "ended";
			if (!(hasEnded && (await this.#isOrphaned()))) throw error;
		}
	}

	/** Lets everything go that was not taken out, and ends the conversation. */
	close(): void {
		this.wire.close();
		this.#pidfd.close();
		this.post?.close();
		for (const { heirloom } of this.given) heirloom.close();
	}

	async #firstAnswer(options: WaitOptions): Promise<Said<"welcome">> {
		try {
			return await this.wire.expect(["welcome"], options);
		} catch (error) {
			if (!(error instanceof HandoverError && error.reason === "ended")) throw error;
			const text =
				"The old process hung up without a word: it does not let this user in, or it ends";
			throw new HandoverError("refused", text, { cause: error });
		}
	}

	// Whoever cannot be told any more may have said why.
	async #say(message: Message): Promise<void> {
		try {
			await this.wire.send(message);
		} catch (error) {
			if (!(error instanceof HandoverError)) throw error;
			await this.wire.expect([], STEP);
		}
	}

	// The kernel closes descriptors a moment before the process counts as ended.
	async #isOrphaned(): Promise<boolean> {
		const deadline = performance.now() + DEATH_MS;
		while (isAlive(this.#pidfd)) {
			if (performance.now() >= deadline) return false;
			await sleep(DEATH_LOOK_MS);
		}
		return true;
	}
}

/**
 * Asks the process that listens at the post for everything it has.
 *
 * @param left what is left of the time allowed
 * @returns undefined when nobody listens there
 * @throws {PeerError} it is another user's
 * @throws {HandoverError | TimeoutError | AbortError | SyscallError} nothing stays open
 */
export async function askPredecessor(
	post: UnixAddress<"unix-seqpacket">,
	left: () => WaitOptions,
): Promise<Inheritance | undefined> {
	let inheritance: Inheritance;
	try {
		const options = { ...left(), owner: "self", receiveDescriptors: 1 } as const;
		inheritance = inheritanceOver(await connect(post, options));
	} catch (error) {
		if (isNobody(error)) return undefined;
		throw error;
	}
	try {
		await inheritance.receive(left);
		return inheritance;
	} catch (error) {
		inheritance.close();
		throw error;
	}
}

function inheritanceOver(packets: PacketStream): Inheritance {
	try {
		return new Inheritance(new Wire(packets), packets.openPeerPidfd({ allowRace: true }));
	} catch (error) {
		packets.abort();
		throw error;
	}
}

// With ESRCH the old process has just ended.
const NOBODY = new Set(["ENOENT", "ECONNREFUSED", "ESRCH"]);

function isNobody(error: unknown): boolean {
	return error instanceof SyscallError && NOBODY.has(error.code);
}

// Then the answer is there already, or will never come.
function ignoreEnd(error: unknown): void {
	if (!(error instanceof HandoverError)) throw error;
}

function passed(descriptor: OwnedDescriptor | undefined): OwnedDescriptor {
	if (descriptor !== undefined) return descriptor;
	throw new HandoverError("protocol", "A socket was handed over without its descriptor");
}
