/**
 * Guards for arguments that come from callers: each returns the value with its type, or throws an
 * error that says what is wanted.
 */
import { InvalidTypeError, InvalidValueError, OutOfRangeError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** The options that a function knows: every name of `O`, with whatever is known of it. */
export type Known<O> = { readonly [Name in keyof O]-?: unknown };

// More names than these are no help in a message.
const NAMES_SHOWN_MAX = 12;

const VIEW = "a Uint8Array or another view of an ArrayBuffer";

/**
 * Returns `value` when it is an integer from `min` to `max`.
 *
 * @throws {InvalidTypeError} it is no number
 * @throws {OutOfRangeError} it is no integer, or outside the range
 */
export function requireInteger(name: string, value: unknown, min: number, max: number): number {
	if (typeof value !== "number") throw new InvalidTypeError(name, integers(min, max), value);
	if (!Number.isInteger(value) || value < min || value > max) {
		throw new OutOfRangeError(name, integers(min, max), value);
	}
	return value;
}

/**
 * Returns the bytes of any ArrayBufferView as a Uint8Array over the same memory.
 *
 * @throws {InvalidTypeError} it is no view (an ArrayBuffer itself is none)
 * @throws {InvalidValueError} its buffer is detached: it was transferred elsewhere
 */
export function requireBytes(name: string, value: unknown): Uint8Array {
	if (!ArrayBuffer.isView(value)) throw new InvalidTypeError(name, VIEW, value);
	if (value instanceof Uint8Array && value.length > 0) return value;
	if (isDetached(value)) {
		throw new InvalidValueError(
			name,
			"must not have a detached buffer (it was transferred, or has shrunk)",
			value,
		);
	}
	if (value instanceof Uint8Array) return value;
	return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/**
 * Returns the bytes of a text, in UTF-8, or of any ArrayBufferView as `requireBytes` does.
 *
 * @throws {InvalidTypeError} it is neither
 * @throws {InvalidValueError} its buffer is detached: it was transferred elsewhere
 */
export function requireBytesOrText(name: string, value: unknown): Uint8Array {
	if (typeof value === "string") return Buffer.from(value);
	if (!ArrayBuffer.isView(value)) throw new InvalidTypeError(name, `a string, ${VIEW}`, value);
	return requireBytes(name, value);
}

/**
 * Returns `value` when it is a string.
 *
 * @throws {InvalidTypeError} it is none
 */
export function requireString(name: string, value: unknown): string {
	if (typeof value !== "string") throw new InvalidTypeError(name, "a string", value);
	return value;
}

/**
 * Returns `value` when it is a boolean.
 *
 * @throws {InvalidTypeError} it is none
 */
export function requireBoolean(name: string, value: unknown): boolean {
	if (typeof value !== "boolean") throw new InvalidTypeError(name, "true or false", value);
	return value;
}

/**
 * Returns `value` when it is one of the texts in `allowed`.
 *
 * @throws {InvalidTypeError} it is no string
 * @throws {InvalidValueError} it is another string
 */
export function requireOneOf<const T extends string>(
	name: string,
	value: unknown,
	allowed: readonly T[],
): T {
	const choices = allowed.map((choice) => JSON.stringify(choice)).join(" or ");
	if (typeof value !== "string") throw new InvalidTypeError(name, choices, value);
	const found = allowed.find((choice) => choice === value);
	if (found === undefined) throw new InvalidValueError(name, `must be ${choices}`, value);
	return found;
}

/**
 * Returns `value` when it is an object (not null, not a function).
 *
 * @throws {InvalidTypeError} it is none
 */
export function requireObject(name: string, value: unknown): object {
	if (typeof value !== "object" || value === null) {
		throw new InvalidTypeError(name, "an object", value);
	}
	return value;
}

/**
 * Returns the options when all of them are known. One that is undefined counts as not given, whatever its name.
 *
 * @param name what they are called: `"options"`, or the option that has them
 * @throws {InvalidTypeError} they are no object
 * @throws {InvalidValueError} one is unknown, and would do nothing
 */
export function requireOptions<O extends object>(options: O, known: Known<O>, name = "options"): O {
	if (typeof options !== "object" || options === null) throw wrongOptions(options, known, name);
	// Neither list nor closure is made: calls that read and write come here too.
	for (const each in options) {
		if (!Object.hasOwn(known, each)) refuseUnknown(options, each, known, name);
	}
	return options;
}

function wrongOptions(options: unknown, known: object, name: string): InvalidTypeError {
	const names = Object.keys(known);
	const hasTime = names.includes("timeoutMs") && typeof options === "number";
	const hint = names.length > NAMES_SHOWN_MAX ? "" : ` with any of ${names.join(", ")}`;
	const shape = hasTime ? `an object, as in { timeoutMs: ${options} }` : `an object${hint}`;
	return new InvalidTypeError(name, shape, options);
}

function refuseUnknown(options: object, option: string, known: object, name: string): void {
	// What everything inherits was not given by this caller.
	if (!Object.hasOwn(options, option)) return;
	if ((options as Readonly<Record<string, unknown>>)[option] === undefined) return;
	const names = Object.keys(known);
	const lower = option.toLowerCase();
	// Also `timeout` for `timeoutMs`, and `idle` for `idleSeconds`.
	const meant =
		names.find((each) => each.toLowerCase() === lower) ??
		nearest(option, names) ??
		names.find((each) => lower.length > 2 && each.toLowerCase().startsWith(lower));
	const shown =
		names.length > NAMES_SHOWN_MAX ? "check its spelling" : `there are ${names.join(", ")}`;
	const advice = meant === undefined ? shown : `did you mean ${meant}?`;
	throw new InvalidValueError(
		name === "options" ? option : `${name}.${option}`,
		`is no option of this call: ${advice}`,
	);
}

/** Those of the options that another call knows, to be passed on to it; also inherited ones, as where they are read one by one. */
export function optionsFor<O extends object, K extends object>(
	options: O,
	known: K,
): Pick<O, keyof O & keyof K> {
	const found: Record<string, unknown> = {};
	for (const name of Object.keys(known)) {
		const value = (options as Readonly<Record<string, unknown>>)[name];
		if (value !== undefined) found[name] = value;
	}
	return found as Pick<O, keyof O & keyof K>;
}

/**
 * Returns `value` when it is an array.
 *
 * @throws {InvalidTypeError} it is none
 */
export function requireArray(name: string, value: unknown): readonly unknown[] {
	if (!Array.isArray(value)) throw new InvalidTypeError(name, "an array", value);
	return value;
}

/**
 * Returns `value` when it is a function or undefined.
 *
 * @throws {InvalidTypeError} it is neither
 */
export function requireFunction<T>(name: string, value: T): T {
	if (value === undefined || typeof value === "function") return value;
	throw new InvalidTypeError(name, "a function", value);
}

/**
 * Returns `value` when it is an AbortSignal or undefined.
 *
 * @throws {InvalidTypeError} it is neither
 */
export function requireSignal(name: string, value: unknown): AbortSignal | undefined {
	if (value === undefined || value instanceof AbortSignal) return value;
	throw new InvalidTypeError(name, "an AbortSignal", value);
}

function integers(min: number, max: number): string {
	return `an integer from ${min} to ${max}`;
}

// ArrayBuffer.prototype.detached exists from Node 22 only; building a view over a detached buffer, or asking a DataView that lies outside
// of its shrunk buffer, throws everywhere.
function isDetached(view: ArrayBufferView): boolean {
	try {
		new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
		// Beyond the end of its shrunk buffer a view of bytes says that it is empty and begins at 0; only its methods tell.
		if (!(view instanceof DataView)) Uint8Array.prototype.keys.call(view as Uint8Array);
		return false;
	} catch {
		return true;
	}
}
