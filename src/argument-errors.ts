/** The errors of wrong calls: JavaScript's own classes, with Node's codes. */
import { quote, showValue } from "./show-value.ts";
import { nameClasses } from "./socket-error.ts";

/** An argument has the wrong type. */
export class InvalidTypeError extends TypeError {
	readonly code: "ERR_INVALID_ARG_TYPE" = "ERR_INVALID_ARG_TYPE";

	/** @param expected what is wanted, as in `"a string"` @param given the value; left out when it may be secret */
	constructor(name: string, expected: string, ...given: readonly [value?: unknown]) {
		super(`${quote(name)} must be ${expected}${butIs(given)}`);
	}
}

/** An argument has the right type, but a value that makes no sense. */
export class InvalidValueError extends TypeError {
	readonly code: "ERR_INVALID_ARG_VALUE" = "ERR_INVALID_ARG_VALUE";

	/** @param why the second half of the sentence, as in `"must not be empty"` @param given the value; left out when it does not matter */
	constructor(name: string, why: string, ...given: readonly [value?: unknown]) {
		super(`${quote(name)} ${why}${butIs(given)}`);
	}
}

/** A text or an object is no address; `input` is what was given. */
export class InvalidAddressError extends TypeError {
	readonly code: "ERR_INVALID_ADDRESS" = "ERR_INVALID_ADDRESS";
	readonly input: unknown;

	/** @param why what is wrong and which form is expected */
	constructor(input: unknown, why: string) {
		super(`${showValue(input)} is not a usable address: ${why}`);
		this.input = input;
	}
}

/** A number lies outside its range, or is no integer where one is needed. */
export class OutOfRangeError extends RangeError {
	readonly code: "ERR_OUT_OF_RANGE" = "ERR_OUT_OF_RANGE";

	/** @param range what is allowed, as in `"an integer from 0 to 65535"` */
	constructor(name: string, range: string, value: unknown) {
		super(`${quote(name)} must be ${range}, but is ${showValue(value)}`);
	}
}

function butIs(given: readonly [value?: unknown]): string {
	return given.length === 0 ? "" : `, but is ${showValue(given[0])}`;
}

nameClasses({ InvalidTypeError, InvalidValueError, InvalidAddressError, OutOfRangeError });
