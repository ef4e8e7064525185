/**
 * A byte stream that follows a script: it gives what it is told to give, expects what it is told to expect, in this order, and complains
 * about everything else. For tests of code that speaks a protocol.
 *
 *     const stream = scriptedStream([{ expect: "PING\r\n" }, { give: "PONG\r\n" }, { end: true }]);
 *     await client.ping(stream);
 *     stream.assertDone();
 */
import { requireBytes } from "../arguments.ts";
import { BusyError, ClosedError, TimeoutError } from "../errors.ts";
import {
	type CancelError,
	checkClose,
	checkWait,
	supervise,
	type WaitOptions,
} from "../socket/wait.ts";
import { ByteReader } from "../stream/byte-reader.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Script, ScriptError, type ScriptStep } from "./script.ts";

/** Makes a stream that follows `script`. */
export function scriptedStream(script: readonly ScriptStep[]): ScriptedStream {
	return new ScriptedStream(script);
}

interface Reader {
	/** Most bytes to give it. */
	readonly room: number;
	settle(error: Error | undefined, chunk?: Uint8Array | null): void;
}

interface Writer {
	bytes: Buffer;
	begun: boolean;
	settle(error?: Error): void;
}

/** A stream that follows a script. Made by `scriptedStream`. */
export class ScriptedStream extends ByteReader implements ByteStream {
	readonly #script: Script;
	#reader: Reader | undefined;
	#writers: Writer[] = [];
	#readBytes = 0;
	#writtenBytes = 0;
	#ended = false;
	#readFailure: Error | undefined;
	#writeFailure: Error | undefined;
	#writeEnded = false;

	/** @internal */
	constructor(script: readonly ScriptStep[]) {
		super();
		this.#script = new Script(script, () => this.#advance());
		this.#advance();
	}

	get bytesWritten(): number {
		return this.#writtenBytes;
	}

	get queuedBytes(): number {
		return this.#writers.reduce((sum, { bytes }) => sum + bytes.length, 0);
	}

	/**
	 * Checks that the script was followed to its end.
	 *
	 * @throws {ScriptError} steps are left, or something else was written than expected
	 */
	assertDone(): void {
		if (this.#writeFailure instanceof ScriptError) throw this.#writeFailure;
		this.#script.assertDone();
	}

	write(data: Uint8Array | string, options?: WaitOptions): Promise<void> {
		return new Promise((resolve, reject) => {
			checkWait(options);
			this.checkReadable();
			if (this.#writeEnded) throw new ClosedError("The writing side of the stream");
			if (this.#writeFailure !== undefined) throw this.#writeFailure;
			const given = typeof data === "string" ? Buffer.from(data) : requireBytes("data", data);
			const bytes = Buffer.from(given);
			const size = bytes.length;
			const writer: Writer = { bytes, begun: false, settle: () => undefined };
			const cancel = (error: CancelError): void => reject(error(this.#withdraw(writer, size)));
			this.#writtenBytes += size;
			this.#writers.push(writer);
			const release = supervise(options, cancel, true);
			writer.settle = (error) => {
				release?.();
				if (error === undefined) resolve();
				else reject(error);
			};
			this.#advance();
			if (options?.timeoutMs === 0 && this.#writers.includes(writer)) {
				release?.();
				cancel((moved) => new TimeoutError(0, moved));
			}
		});
	}

	async flush(options?: WaitOptions): Promise<void> {
		await this.write("", options);
	}

	async closeWrite(options?: WaitOptions): Promise<void> {
		this.checkReadable();
		if (!this.#writeEnded) await this.flush(options);
		this.#writeEnded = true;
	}

	async close(options?: WaitOptions): Promise<void> {
		checkClose(options);
		this.abort();
	}

	abort(): void {
		this.#script.stop();
		this.#fail(new ClosedError("The stream"));
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	protected override get arrivedBytes(): number {
		return this.#readBytes;
	}

	protected override checkReadable(): void {
		if (this.#script.stopped) throw new ClosedError("The stream");
	}

	protected override pull(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		return this.#pull(Number.POSITIVE_INFINITY, options);
	}

	protected override async pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number> {
		const chunk = await this.#pull(target.length, options);
		if (chunk !== null) target.set(chunk);
		return chunk?.length ?? 0;
	}

	#pull(room: number, options: WaitOptions | undefined): Promise<Uint8Array | null> {
		return new Promise((resolve, reject) => {
			checkWait(options);
			this.checkReadable();
			if (this.#reader !== undefined) throw new BusyError();
			if (this.#readFailure !== undefined) throw this.#readFailure;
			if (this.#ended) {
				resolve(null);
				return;
			}
			const release = supervise(options, (error) => this.#reader?.settle(error(0)), true);
			this.#reader = {
				room,
				settle: (error, chunk = null) => {
					this.#reader = undefined;
					release?.();
					this.#readBytes += chunk?.length ?? 0;
					if (error === undefined) resolve(chunk);
					else reject(error);
				},
			};
			this.#advance();
			if (options?.timeoutMs === 0) this.#reader?.settle(new TimeoutError(0));
		});
	}

	// Takes step after step until one has to wait for a read, a write or time.
	#advance(): void {
		for (;;) {
			if (this.#writers[0]?.bytes.length === 0) {
				this.#writers.shift()?.settle();
				continue;
			}
			const { step } = this.#script;
			if (step === undefined) {
				if (this.#writers.length > 0) this.#complain(this.#writers[0] as Writer);
				return;
			}
			if (!this.#perform(step)) return;
		}
	}

	#perform(step: ScriptStep): boolean {
		const reader = this.#reader;
		const writer = this.#writers[0];
		if ("expect" in step) return writer !== undefined && this.#match(writer);
		if ("failWrite" in step) {
			if (writer === undefined) return false;
			this.#script.next();
			this.#failWrites(step.failWrite);
			return true;
		}
		if ("waitMs" in step || reader === undefined) return false;
		if ("give" in step) {
			reader.settle(undefined, this.#script.take(reader.room));
			return true;
		}
		this.#script.next();
		if ("end" in step) {
			this.#ended = true;
			reader.settle(undefined, null);
		} else {
			this.#readFailure = step.failRead;
			reader.settle(step.failRead);
		}
		return true;
	}

	#match(writer: Writer): boolean {
		const expected = this.#script.peek(writer.bytes.length);
		const actual = writer.bytes.subarray(0, expected.length);
		if (!expected.equals(actual)) {
			this.#complain(writer);
			return false;
		}
		this.#script.take(expected.length);
		writer.begun = true;
		writer.bytes = writer.bytes.subarray(expected.length);
		return true;
	}

	#complain({ bytes }: Writer): void {
		const text = JSON.stringify(bytes.toString());
		this.#fail(new ScriptError(`${text} was written in place of: ${this.#script.describe()}`));
	}

	#withdraw(writer: Writer, size: number): number {
		writer.settle = () => undefined;
		if (writer.begun) return size;
		this.#writers = this.#writers.filter((each) => each !== writer);
		this.#writtenBytes -= size;
		return 0;
	}

	#fail(error: Error): void {
		this.#readFailure ??= error;
		this.#reader?.settle(error);
		this.#failWrites(error);
	}

	#failWrites(error: Error): void {
		this.#writeFailure ??= error;
		const writers = this.#writers;
		this.#writers = [];
		for (const { settle } of writers) settle(error);
	}
}
