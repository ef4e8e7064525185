/**
 * Guards for arguments that come from callers: each returns the value with its type, or throws an
 * error that says what is wanted.
 */
import { InvalidTypeError, InvalidValueError, OutOfRangeError } from "./errors.ts";

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
