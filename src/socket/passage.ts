/** What goes along with the bytes of one message: descriptors and credentials, from the call that sends them until they have left. */
import { type Known, requireArray } from "../arguments.ts";
import { check, UnsupportedError } from "../errors.ts";
import { sys } from "../sys/current.ts";
import {
	checkDescriptorsCount,
	credentialsMessage,
	encodeControl,
	rightsMessage,
} from "./control.ts";
import type { Credentials } from "./option-value.ts";
import { OwnedDescriptor } from "./owned-descriptor.ts";
import { descriptorOf, Given, type Passable, takeDescriptor } from "./passable.ts";

/** What a message can carry over Unix sockets besides its bytes. */
export interface PassOptions {
	/**
	 * Descriptors to pass along, 253 at the most. Duplicated: they stay open and yours, to be closed as soon as the call has returned; or given
	 * away by `give`. unix(7), SCM_RIGHTS
	 */
	readonly descriptors?: readonly (Passable | Given)[] | undefined;
	/**
	 * Who sends, for a peer that asks by `receiveCredentials`. Default: this process with its effective ids, as the kernel knows them. Others
	 * than one's own (real, effective or saved) need privileges. unix(7), SCM_CREDENTIALS
	 */
	readonly credentials?: Credentials | undefined;
}

/** What every call that passes something along knows. */
export const PASS: Known<PassOptions> = { descriptors: true, credentials: true };

/** One message's descriptors and credentials on their way. To be closed in any case: after they have left, or when they will not. */
export class Passage {
	// Numbers that belong to the caller, which are only good during its call, and what belongs to this object.
	readonly #entries: (number | OwnedDescriptor)[];
	readonly #credentials: Credentials | undefined;
	#control: Uint8Array | undefined;

	private constructor(entries: (number | OwnedDescriptor)[], credentials: Credentials | undefined) {
		this.#entries = entries;
		this.#credentials = credentials;
	}

	/**
	 * Takes what the options of a call say; undefined when they say nothing.
	 *
	 * @param isUnix whether the socket can carry it
	 * @throws {LimitError} more than 253 descriptors
	 * @throws {UnsupportedError} it is no Unix socket
	 * @throws {InvalidTypeError | OutOfRangeError | ClosedError | SyscallError} something has no open descriptor, or cannot be given; or the
	 *   credentials are none. After any error all that was given is still its owner's, but for what was closed by an error of another
	 */
	static of(options: PassOptions, isUnix: boolean): Passage | undefined {
		const { descriptors = [], credentials } = options;
		if (requireArray("descriptors", descriptors).length === 0 && credentials === undefined) {
			return undefined;
		}
		if (!isUnix) {
			const feature = descriptors.length > 0 ? "passing descriptors" : "sending credentials";
			throw new UnsupportedError(feature, "only Unix sockets can do it");
		}
		checkDescriptorsCount(descriptors.length);
		if (credentials !== undefined) credentialsMessage(credentials);
		// All of them are looked at before the first is taken.
		for (const [i, each] of descriptors.entries()) {
			descriptorOf(nameOf(i), each instanceof Given ? each.from : each);
		}
		const passage = new Passage([], credentials);
		try {
			for (const [i, each] of descriptors.entries()) passage.#add(nameOf(i), each);
			return passage;
		} catch (error) {
			passage.close();
			throw error;
		}
	}

	/** The control messages for sendmsg(2). */
	get control(): Uint8Array {
		this.#control ??= this.#encode();
		return this.#control;
	}

	/** How many descriptors are passed. */
	get descriptorCount(): number {
		return this.#entries.length;
	}

	/**
	 * Makes this object independent of its caller, because the message has to wait: what is not owned yet is duplicated.
	 *
	 * @throws {SyscallError} EMFILE, ENFILE: no descriptor is free. EBADF: one was closed meanwhile
	 */
	hold(): void {
		for (const [i, entry] of this.#entries.entries()) {
			if (typeof entry !== "number") continue;
			this.#entries[i] = OwnedDescriptor.adopt(check(sys.dup(entry), "fcntl"));
		}
		this.#control = undefined;
	}

	/** Closes what this object owns. */
	close(): void {
		for (const entry of this.#entries) {
			if (typeof entry !== "number") entry.close();
		}
		this.#entries.length = 0;
	}

	#add(name: string, each: Passable | Given): void {
		const entry =
			each instanceof Given ? takeDescriptor(name, each.from) : descriptorOf(name, each);
		this.#entries.push(entry);
	}

	#encode(): Uint8Array {
		const numbers = this.#entries.map((entry) => (typeof entry === "number" ? entry : entry.fd));
		const messages = [];
		if (numbers.length > 0) messages.push(rightsMessage(numbers));
		if (this.#credentials !== undefined) messages.push(credentialsMessage(this.#credentials));
		return encodeControl(messages);
	}
}

function nameOf(index: number): string {
	return `descriptors[${index}]`;
}
