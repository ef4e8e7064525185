/** One listing of the kernel by netlink, from the request to the last answer. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { errnoName } from "../errno-name.ts";
import { syscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { SOCK_CLOEXEC, SOCK_RAW } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EMFILE, ENFILE, ENOMEM } from "../sys/errno.ts";
import type { KernelSocket } from "./kernel-socket.ts";
import {
	encodeDumpRequest,
	errorOf,
	type NetlinkMessage,
	NLM_F_DUMP_INTR,
	NLMSG_DONE,
	NLMSG_ERROR,
	readMessages,
	SOCK_DIAG_BY_FAMILY,
} from "./netlink.ts";

const AF_NETLINK = 16;
const NETLINK_SOCK_DIAG = 4;
// struct sockaddr_nl: family, padding, port id (0 is the kernel), groups.
const KERNEL_NAME: Uint8Array = Uint8Array.of(AF_NETLINK, ...new Array<number>(11).fill(0));

/** What came of a listing. */
export interface Dump {
	readonly sockets: readonly KernelSocket[];
	/** Why there is none, or only a part: the name of an error such as `"ENOENT"`, or what else went wrong. */
	readonly refusal?: string;
	/** The list changed while it was read, each time that it was tried: something may be missing. */
	readonly isInterrupted: boolean;
}

/** A socket to the kernel's lists of sockets. */
export class DiagSocket {
	#fd: number;
	#sequence = 0;
	readonly #buffer = new Uint8Array(LIMITS.netlinkReadBytes);

	private constructor(fd: number) {
		this.#fd = fd;
	}

	/**
	 * Opens one.
	 *
	 * @returns the name of the error where the kernel has no such lists, or a sandbox keeps us from them
	 * @throws {SyscallError} EMFILE, ENFILE, ENOMEM
	 */
	static open(): DiagSocket | string {
		const fd = sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		if (fd >= 0) return new DiagSocket(fd);
		if ([EMFILE, ENFILE, ENOMEM].includes(fd)) throw syscallError("socket", fd);
		return errnoName(fd);
	}

	/**
	 * Lists what a request asks for; again, when the list changed meanwhile, a few times at the most.
	 *
	 * @param type of the request's message, and of the answers
	 */
	async dump(
		request: Uint8Array,
		decode: (payload: Uint8Array) => KernelSocket | undefined,
		type: number = SOCK_DIAG_BY_FAMILY,
	): Promise<Dump> {
		for (let attempt = 1; ; attempt++) {
			const dump = await this.#dumpOnce(request, decode, type);
			if (!dump.isInterrupted || attempt === LIMITS.listingAttemptsCount) return dump;
		}
	}

	/** Closes it; once is enough. */
	close(): void {
		if (this.#fd >= 0) sys.close(this.#fd);
		this.#fd = -1;
	}

	async #dumpOnce(
		request: Uint8Array,
		decode: (payload: Uint8Array) => KernelSocket | undefined,
		type: number,
	): Promise<Dump> {
		this.#sequence += 1;
		const bytes = encodeDumpRequest(this.#sequence, request, type);
		const sockets: KernelSocket[] = [];
		const rc = sys.sendto(this.#fd, bytes, 0, bytes.length, 0, KERNEL_NAME);
		if (rc < 0) return { sockets, refusal: errnoName(rc), isInterrupted: false };
		let isInterrupted = false;
		let turnEnd = performance.now() + LIMITS.listingTurnMs;
		for (;;) {
			const { messages, refusal } = this.#receive(type);
			if (refusal !== undefined) return { sockets, refusal, isInterrupted };
			for (const message of messages) {
				if ((message.flags & NLM_F_DUMP_INTR) !== 0) isInterrupted = true;
				if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
					const error = errorOf(message);
					return { sockets, isInterrupted, ...(error < 0 && { refusal: errnoName(error) }) };
				}
				const socket = decode(message.payload);
				if (socket !== undefined) sockets.push(socket);
			}
			if (performance.now() >= turnEnd) {
				await nextTurn();
				turnEnd = performance.now() + LIMITS.listingTurnMs;
			}
		}
	}

	// The kernel has the next part ready when the one before it is read: there is hardly ever something to wait for.
	#receive(type: number): {
		readonly messages: readonly NetlinkMessage[];
		readonly refusal?: string;
	} {
		const buffer = this.#buffer;
		const name = new Uint8Array(KERNEL_NAME.length);
		const timeoutMs = LIMITS.netlinkAnswerMs;
		const count = sys.recvfrom(this.#fd, buffer, 0, buffer.length, 0, name, timeoutMs);
		if (count < 0) return { messages: [], refusal: errnoName(count) };
		// Another process may write to us as well.
		if (!name.every((byte, i) => byte === KERNEL_NAME[i])) return { messages: [] };
		const { messages, end } = readMessages(buffer.subarray(0, count));
		if (end === "cut") return { messages: [], refusal: "a cut message" };
		// The others are what is left of an earlier request, or say nothing.
		return { messages: messages.filter((message) => this.#isWanted(message, type)) };
	}

	#isWanted({ sequence, type }: NetlinkMessage, wanted: number): boolean {
		const isKnown = [NLMSG_DONE, NLMSG_ERROR, wanted].includes(type);
		return isKnown && sequence === this.#sequence;
	}
}
