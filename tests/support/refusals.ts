/** What every refusal of a wrong call has to be: typed, with the documented code and a helpful text, and without any trace left behind. */
import assert from "node:assert/strict";
import {
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
	SocketError,
} from "socketry";
import { findLeaks, openResources } from "#src/testing/leaks.ts";

const CLASSES = [
	SocketError,
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
];

/** What is expected of a refusal. */
export interface Refusal {
	/** The code, or those that are possible. */
	readonly code: string | readonly string[];
	/** Fragment of the text: what is wrong, or what to do. */
	readonly message?: RegExp;
}

/** An error with a code. */
export type Refused = Error & { readonly code: string };

/** Expects that `call` throws or rejects as documented, and that nothing is open afterwards which was not open before. */
export async function assertRefuses(
	call: () => unknown,
	{ code, message }: Refusal,
	what = "the call",
): Promise<Refused> {
	const before = openResources();
	let error: unknown;
	let refused = false;
	try {
		await call();
	} catch (thrown) {
		error = thrown;
		refused = true;
	}
	assert.ok(refused, `${what} was not refused`);
	assert.ok(
		CLASSES.some((type) => error instanceof type),
		`${what} gave a foreign error: ${String(error)}`,
	);
	const { code: actual, message: text } = error as Refused;
	const codes = typeof code === "string" ? [code] : code;
	assert.ok(codes.includes(actual), `${what} gave ${actual}, not ${codes.join(" or ")}: ${text}`);
	if (message !== undefined) assert.match(text, message, what);
	assert.doesNotMatch(text, /\.$|\n/, what);
	assert.deepEqual(findLeaks(before), [], `${what} left something open`);
	return error as Refused;
}
