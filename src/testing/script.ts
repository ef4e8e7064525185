/** The steps of a scripted stream, taken one after another. */

/**
 * One step of a script. A step begins when the one before it is done; a read or a write that comes early waits for its turn.
 *
 * `give`: reads get these bytes. `expect`: these bytes have to be written, in however many writes. `waitMs`: nothing happens for a time.
 * `failRead`, `failWrite`: the next read or write, and all after it, reject with this error. `end`: the next read finds the end.
 */
export type ScriptStep =
	| { readonly give: Uint8Array | string }
	| { readonly expect: Uint8Array | string }
	| { readonly waitMs: number }
	| { readonly failRead: Error }
	| { readonly failWrite: Error }
	| { readonly end: true };

/** The code under test did not follow the script. */
export class ScriptError extends Error {}
Object.defineProperty(ScriptError.prototype, "name", { value: "ScriptError" });

/** What is left of a script. */
export class Script {
	/** No step begins any more. */
	stopped = false;
	readonly #steps: ScriptStep[];
	readonly #onTime: () => void;
	// What is left of the bytes of the step at hand.
	#bytes: Buffer = Buffer.alloc(0);
	#timer: NodeJS.Timeout | undefined;

	/** @param onTime called when a step has begun because time has passed */
	constructor(steps: readonly ScriptStep[], onTime: () => void) {
		this.#steps = steps.filter((step) => bytesOf(step)?.length !== 0);
		this.#onTime = onTime;
		this.#begin();
	}

	/** The step at hand; undefined at the end. */
	get step(): ScriptStep | undefined {
		return this.stopped ? undefined : this.#steps[0];
	}

	/** The next bytes of the step at hand, at most so many. */
	peek(most: number): Buffer {
		return this.#bytes.subarray(0, most);
	}

	/** As `peek`, and takes them; the last ones end the step. */
	take(most: number): Buffer {
		const taken = this.peek(most);
		this.#bytes = this.#bytes.subarray(taken.length);
		if (this.#bytes.length === 0) this.next();
		return taken;
	}

	/** Ends the step at hand. */
	next(): void {
		this.#steps.shift();
		this.#begin();
	}

	/** Ends it all. */
	stop(): void {
		this.stopped = true;
		clearTimeout(this.#timer);
	}

	/** @throws {ScriptError} steps are left */
	assertDone(): void {
		const { length } = this.#steps;
		if (length === 0) return;
		const many = length === 1 ? "one step is left" : `${length} steps are left, the first of them`;
		throw new ScriptError(`${many}: ${this.describe()}`);
	}

	/** The step at hand in words. */
	describe(): string {
		const step = this.#steps[0];
		if (step === undefined) return "the end of the script";
		if ("waitMs" in step) return `wait ${step.waitMs} ms`;
		if ("end" in step) return "the end of the stream";
		if ("failRead" in step) return `a read that fails with ${step.failRead.message}`;
		if ("failWrite" in step) return `a write that fails with ${step.failWrite.message}`;
		return `${"give" in step ? "give" : "expect"} ${JSON.stringify(this.#bytes.toString())}`;
	}

	#begin(): void {
		const step = this.#steps[0];
		if (step === undefined) return;
		this.#bytes = Buffer.from(bytesOf(step) ?? []);
		if (!("waitMs" in step)) return;
		this.#timer = setTimeout(() => {
			this.next();
			this.#onTime();
		}, step.waitMs);
	}
}

function bytesOf(step: ScriptStep): Buffer | undefined {
	if ("give" in step) return Buffer.from(step.give);
	return "expect" in step ? Buffer.from(step.expect) : undefined;
}
