/** Values of wrong types, and calls that have to refuse them. */
import { assertRefuses } from "../support/refusals.ts";

/** A kind of argument. */
export type Kind =
	| "address"
	| "array"
	| "boolean"
	| "bytes"
	| "choice"
	| "count"
	| "data"
	| "function"
	| "integer"
	| "object"
	| "options"
	| "signal"
	| "sockaddr";

const noText = [null, true, 7, 7n, Symbol("no"), (): void => {}];
const noObject = ["text", ...noText];
const noNumber = [null, true, "7", 7n, Symbol("no"), (): void => {}, {}, [7]];
const noBytes = [undefined, ...noText, {}, [1, 2], new ArrayBuffer(4), new Date(0)];

/** For each kind of argument: values that have another type. */
const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
	address: [...noText, {}, [], new Date(0), { transport: "smoke" }, { transport: 7 }],
	array: [undefined, {}, new Uint8Array(1), ...noObject],
	boolean: [null, 0, 1, "true", 1n, Symbol("no"), (): void => {}, {}, []],
	bytes: ["text", ...noBytes],
	choice: [...noText, {}, []],
	count: noNumber,
	data: noBytes,
	function: [null, true, 7, "text", 7n, Symbol("no"), {}, []],
	integer: noNumber,
	object: [null, "text", 7, 7n, Symbol("no"), (): void => {}],
	options: noObject,
	signal: [...noObject, {}, [], new EventTarget()],
	sockaddr: [undefined, ...noObject, {}, [], { family: "smoke" }, { family: 2 }],
};

/** A call of which the value is one of the arguments. */
export type Call = readonly [name: string, kind: Kind, call: (value: never) => unknown];

/** Any method, whatever it takes. */
export type Method = (...values: never[]) => unknown;

/** Makes each call with every value that its argument cannot be, and fails where one is not refused. */
export async function refuseAll(calls: readonly Call[]): Promise<void> {
	for (const [name, kind, call] of calls) {
		for (const [i, value] of WRONG[kind].entries()) {
			await assertRefuses(
				() => call(value as never),
				{ code: "ERR_INVALID_ARG_TYPE", message: /^"[\w.[\]]+" must be .+, but is ./ },
				`${name} with ${kind} #${i} (${typeof value})`,
			);
		}
	}
}
