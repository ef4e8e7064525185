/**
 * The descriptors and credentials that come with the bytes of one stream. The kernel hands over at most one message's descriptors with a read,
 * and ends that read with what was sent along with them at the latest; what was sent before may be part of it. unix(7), SCM_RIGHTS
 */
import { LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
	ARRIVAL_BYTES,
	type ArrivalOptions,
	askForCredentials,
	controlBytesFor,
	type MessageCredentials,
	takeArrived,
	type Wanted,
	wantedOf,
} from "../socket/arrived-control.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import { sys } from "../sys/current.ts";

/** Descriptors that came with bytes of a stream, and where these are. */
export interface DescriptorArrival {
	/** In the order in which they were sent, each yours to close. */
	readonly descriptors: readonly OwnedDescriptor[];
	/**
	 * They were sent with one of the bytes from `start` up to `end`, counted from the beginning of the stream; it is the first byte of the write
	 * that they were part of. Nothing that was written after that write is among these bytes.
	 */
	readonly start: number;
	readonly end: number;
}

const control = new Uint8Array(ARRIVAL_BYTES);

/** What came along with the bytes of one stream and was not taken yet. */
export class Arrivals {
	readonly #wanted: Wanted;
	readonly #control: Uint8Array;
	readonly #buffers: Uint8Array[] = [];
	#arrivals: DescriptorArrival[] = [];
	#queuedCount = 0;
	#refusedCount = 0;
	#credentials: MessageCredentials | undefined;

	constructor(wanted: Wanted) {
		this.#wanted = wanted;
		this.#control = control.subarray(0, controlBytesFor(wanted, 0));
	}

	/** How often descriptors were refused. */
	get refusedCount(): number {
		return this.#refusedCount;
	}

	/** Who has sent what was received last. */
	get credentials(): MessageCredentials | undefined {
		return this.#credentials;
	}

	/**
	 * Receives as sys.recv does.
	 *
	 * @param position of the next byte in the stream
	 * @throws {LimitError | DescriptorsLostError | SyscallError} the bytes are lost, and so are the descriptors that came with them
	 */
	receive(fd: number, target: Uint8Array, position: number): number {
		this.#buffers[0] = target;
		const received = sys.recvmsg(fd, this.#buffers, null, this.#control, 0);
		this.#buffers.length = 0;
		if (received < 0) return received;
		const [, length = 0, flags = 0] = sys.out;
		const arrived = takeArrived(this.#control.subarray(0, length), flags, this.#wanted);
		if (arrived.refused) this.#refusedCount++;
		if (received > 0) this.#noteCredentials(arrived.credentials);
		else arrived.credentials?.pidfd?.close();
		if (arrived.descriptors.length > 0) {
			this.#add({ descriptors: arrived.descriptors, start: position, end: position + received });
		}
		return received;
	}

	/** Hands out what came with bytes before `position`. */
	take(position: number): DescriptorArrival[] {
		const later = this.#arrivals.findIndex(({ start }) => start >= position);
		const taken = this.#arrivals.splice(0, later < 0 ? this.#arrivals.length : later);
		for (const { descriptors } of taken) this.#queuedCount -= descriptors.length;
		return taken;
	}

	/** Closes what nobody has taken. */
	close(): void {
		for (const { descriptors } of this.#arrivals) closeAll(descriptors);
		this.#arrivals = [];
		this.#queuedCount = 0;
		this.#noteCredentials(undefined);
	}

	#noteCredentials(credentials: MessageCredentials | undefined): void {
		this.#credentials?.pidfd?.close();
		this.#credentials = credentials;
	}

	#add(arrival: DescriptorArrival): void {
		const count = this.#queuedCount + arrival.descriptors.length;
		if (count > LIMITS.descriptorsQueuedCount) {
			closeAll(arrival.descriptors);
			const advice = "call takeDescriptors() after reading";
			throw new LimitError("descriptorsQueuedCount", count, LIMITS.descriptorsQueuedCount, advice);
		}
		this.#arrivals.push(arrival);
		this.#queuedCount = count;
	}
}

/** What a stream asks to come along with its bytes; undefined for nothing. */
export function arrivalsOf(
	socket: Socket,
	isUnix: boolean,
	options: ArrivalOptions,
): Arrivals | undefined {
	const wanted = wantedOf(options, isUnix);
	if (wanted.descriptorsCount === 0 && !wanted.credentials) return undefined;
	askForCredentials(socket, options.receiveCredentials);
	return new Arrivals(wanted);
}

function closeAll(descriptors: readonly OwnedDescriptor[]): void {
	for (const each of descriptors) each.close();
}
