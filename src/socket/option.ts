/**
 * Options by name: the table and the codec put to work on anything that has getsockopt and
 * setsockopt.
 */
import { InvalidValueError, SyscallError, syscallError, UnsupportedError } from "../errors.ts";
import { decodeOption, encodeOption, optionRoomBytes } from "./option-codec.ts";
import {
	describeOption,
	type OptionDescription,
	type OptionInput,
	type OptionValue,
	type ReadableOptionName,
	type WritableOptionName,
} from "./option-table.ts";

/** The raw calls; they throw a SyscallError when the kernel refuses. */
export interface OptionTarget {
	getsockopt(level: number, name: number, length: number): Uint8Array;
	setsockopt(level: number, name: number, value: Uint8Array): void;
}

/**
 * Reads an option by its kernel name.
 *
 * @throws {UnsupportedError} this kernel or this kind of socket does not have it
 * @throws {InvalidValueError} no such option is in the table, or it can only be set
 * @throws {SyscallError} the kernel refuses otherwise
 * @see getsockopt(2)
 */
export function getOption<Name extends ReadableOptionName>(
	target: OptionTarget,
	name: Name,
): OptionValue<Name> {
	const description = describeOption(name);
	const { canRead, level, option, type } = description;
	if (!canRead) throw new InvalidValueError("name", "must be an option that can be read", name);
	try {
		const bytes = target.getsockopt(level, option, optionRoomBytes(type));
		return decodeOption(type, bytes) as OptionValue<Name>;
	} catch (error) {
		throw named(description, error);
	}
}

/**
 * Sets an option by its kernel name.
 *
 * @throws {UnsupportedError} this kernel or this kind of socket does not have it
 * @throws {InvalidTypeError} the value has the wrong type
 * @throws {OutOfRangeError} the value is out of range
 * @throws {InvalidValueError} no such option is in the table, or it can only be read
 * @throws {SyscallError} the kernel refuses otherwise
 * @see setsockopt(2)
 */
export function setOption<Name extends WritableOptionName>(
	target: OptionTarget,
	name: Name,
	value: OptionInput<Name>,
): void {
	const description = describeOption(name);
	const { canWrite, level, option, type } = description;
	if (!canWrite) throw new InvalidValueError("name", "must be an option that can be set", name);
	const bytes = encodeOption(type, value as never);
	try {
		target.setsockopt(level, option, bytes);
	} catch (error) {
		throw named(description, error);
	}
}

// The raw calls know numbers alone; people know names.
function named({ name, since }: OptionDescription, error: unknown): unknown {
	if (!(error instanceof SyscallError)) return error;
	const { code, errno, syscall } = error;
	const isMissing = code === "ENOPROTOOPT" || code === "ENOTSUP";
	if (!isMissing) return syscallError(syscall, errno, { option: name });
	const start = "this kind of socket or this kernel does not have it";
	const why = since === "" ? start : `${start}; it came with Linux ${since}`;
	return new UnsupportedError(name, why, { cause: error });
}
