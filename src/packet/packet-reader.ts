/** The manners in which the messages of one connection are received: bytes alone, or with what came along. One is pending at the most. */
import type { Socket } from "../socket/socket.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { busy, type Intake, MessageReader } from "./message-reader.ts";
import type { Packet, PacketIntake, PacketMessage } from "./packet-intake.ts";

const WHAT = "The connection";

/** Reads messages for one connection. */
export class PacketReader {
	readonly #socket: Socket;
	readonly #intake: PacketIntake;
	readonly #plain: MessageReader<Packet>;
	// Made when it is asked for first.
	#whole: MessageReader<PacketMessage | null> | undefined;
	#failure: Error | undefined;

	constructor(socket: Socket, intake: PacketIntake) {
		this.#socket = socket;
		this.#intake = intake;
		this.#plain = new MessageReader(socket, intake, WHAT, true);
	}

	/** Whether a receive is pending. */
	get waiting(): boolean {
		return this.#plain.waiting || this.#whole?.waiting === true;
	}

	/** Waits for the bytes of the next message; see `MessageReader.next`. */
	next(options: WaitOptions | undefined, target?: Uint8Array): Promise<Packet> {
		return this.#whole?.waiting ? refuse() : this.#plain.next(options, target);
	}

	/** The same for a loop. */
	nextOfLoop(): Promise<IteratorResult<NonNullable<Packet>>> {
		return this.#whole?.waiting ? refuse() : this.#plain.nextOfLoop();
	}

	/** Waits for the next message with what came along. */
	nextWhole(options: WaitOptions | undefined): Promise<PacketMessage | null> {
		if (this.#plain.waiting) return refuse();
		if (this.#whole === undefined) {
			this.#whole = new MessageReader(this.#socket, wholeIntake(this.#intake), WHAT, true);
			if (this.#failure !== undefined) this.#whole.fail(this.#failure);
		}
		return this.#whole.next(options);
	}

	/** Ends reading: a pending read rejects with `error`, and so do all that come. */
	fail(error: Error): void {
		this.#failure ??= error;
		this.#plain.fail(error);
		this.#whole?.fail(error);
	}
}

function refuse(): Promise<never> {
	return Promise.reject(busy());
}

function wholeIntake(intake: PacketIntake): Intake<PacketMessage | null> {
	return {
		get available() {
			return intake.available;
		},
		get drained() {
			return intake.drained;
		},
		get syscall() {
			return intake.syscall;
		},
		fill: (fd) => intake.fill(fd, undefined),
		take: () => intake.takeWhole(),
		clear: () => intake.clear(),
	};
}
