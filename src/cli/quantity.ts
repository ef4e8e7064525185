/** Quantities as people write them: `64`, `4k`, `64KiB`; `10`, `2.5s`, `300ms`, `1h`. */
import { UsageError } from "./exit-code.ts";

const SIZE = /^(\d{1,12})\s*(?:(k|m)(?:ib)?|b)?$/i;
const DURATION = /^(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|h)?$/;
const BYTES: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2 };
const MILLISECONDS: Readonly<Record<string, number>> = {
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
};

/**
 * Reads a number of bytes: plain, or with `k`, `KiB`, `M`, `MiB`, which all count by 1024.
 *
 * @throws {UsageError} it is no such text, or outside `min`..`max`
 */
export function parseSize(option: string, text: string, min: number, max: number): number {
	const [, digits, unit] = SIZE.exec(text) ?? [];
	const bytes = Number(digits) * (BYTES[unit?.toLowerCase() ?? ""] ?? 1);
	if (bytes >= min && bytes <= max) return bytes;
	throw new UsageError(
		`${option} must be a number of bytes from ${min} to ${max}, such as 64 or 4k, not "${text}"`,
	);
}

/**
 * Reads a time: seconds, or with `ms`, `s`, `m`, `h`.
 *
 * @param minMs smallest and `maxMs` largest value allowed, in milliseconds
 * @returns milliseconds
 * @throws {UsageError} it is no such text, or outside the range
 */
export function parseDuration(option: string, text: string, minMs: number, maxMs: number): number {
	const [, digits, unit] = DURATION.exec(text) ?? [];
	const ms = Number(digits) * (MILLISECONDS[unit ?? "s"] as number);
	if (ms >= minMs && ms <= maxMs) return ms;
	throw new UsageError(
		`${option} must be a time from ${minMs / 1000} to ${maxMs / 1000} seconds, such as 30 or 500ms, not "${text}"`,
	);
}

/**
 * Reads a whole number.
 *
 * @throws {UsageError} it is none, or outside `min`..`max`
 */
export function parseCount(option: string, text: string, min: number, max: number): number {
	const count = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
	if (count >= min && count <= max) return count;
	throw new UsageError(`${option} must be a whole number from ${min} to ${max}, not "${text}"`);
}
