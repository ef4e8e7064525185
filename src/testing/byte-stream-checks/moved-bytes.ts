import assert from "node:assert/strict";
import { type CodedError, rejection } from "../expectations.ts";

/**
 * Expects that a write to a full stream ends early with `code` and says that none or all of its bytes will move; returns how many. A small
 * one may find room all the same.
 */
export async function movedBytes(
	writing: Promise<void>,
	size: number,
	code: string,
): Promise<number> {
	let error: CodedError;
	try {
		await writing;
		return size;
	} catch (caught) {
		error = await rejection(Promise.reject(caught as Error), code, `write() of ${size} bytes`);
	}
	const { bytesMoved } = error;
	assert.ok(
		bytesMoved === 0 || bytesMoved === size,
		`a write of ${size} bytes says that it moved ${bytesMoved}`,
	);
	return bytesMoved;
}
