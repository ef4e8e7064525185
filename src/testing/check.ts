/**
 * A conformance suite is a list of checks: each has a name, the promise it tests as one sentence, and a function that makes a fresh pair
 * of connected ends and tries it. No test runner is needed; with one, each check makes a test of its own:
 *
 *     for (const { name, run } of byteStreamChecks) test(name, () => run(makePair));
 */
import { type Known, requireOptions } from "../arguments.ts";
import { settled } from "./expectations.ts";

/** Two connected ends: what one sends, the other receives. */
export type Ends<T> = readonly [left: T, right: T];

/** Makes two fresh connected ends for one check; the check releases them. */
export type PairFactory<T> = () => Ends<T> | Promise<Ends<T>>;

/** One promise of a contract. */
export interface Check<T> {
	/** A few words, unique within the suite. */
	readonly name: string;
	/** The promise, as one sentence. */
	readonly contract: string;
	/**
	 * Tries it.
	 *
	 * @param timeoutMs time after which the promise counts as broken. Default 30000
	 * @throws {CheckError} it was broken; `cause` tells how
	 */
	readonly run: (makePair: PairFactory<T>, timeoutMs?: number) => Promise<void>;
}

/** Options of a suite run as a whole. */
export interface CheckOptions {
	/** Names of checks to leave out, for promises that an implementation cannot keep. */
	readonly skip?: readonly string[] | undefined;
}

/** An implementation broke a promise. */
export class CheckError extends Error {
	/** Name of the check. */
	readonly check: string;
	/** The promise, as one sentence. */
	readonly contract: string;

	constructor(check: string, contract: string, cause: unknown) {
		super(`${check}: ${contract} But: ${textOf(cause)}`, { cause });
		this.check = check;
		this.contract = contract;
	}
}
Object.defineProperty(CheckError.prototype, "name", { value: "CheckError" });

const CHECK_MS = 30_000;

/** What every kind of end has, and all that a suite needs in order to release it. */
interface Abortable {
	abort(): void;
}

/** Defines a check: `body` is given two fresh ends, which are aborted after it. */
export function defineCheck<T extends Abortable>(
	name: string,
	contract: string,
	body: (left: T, right: T) => Promise<void>,
): Check<T> {
	const run = async (makePair: PairFactory<T>, timeoutMs: number = CHECK_MS): Promise<void> => {
		const [left, right] = await makePair();
		try {
			await settled(body(watched(left), watched(right)), timeoutMs, "the check");
		} catch (cause) {
			throw new CheckError(name, contract, cause);
		} finally {
			left.abort();
			right.abort();
		}
	};
	return { name, contract, run };
}

// When a check fails, calls that it had pending fail after it: that is no news to anybody.
function watched<T extends object>(end: T): T {
	return new Proxy(end, {
		get: (target, key) => {
			const value: unknown = Reflect.get(target, key, target);
			if (typeof value !== "function") return value;
			return (...args: unknown[]) => {
				const result: unknown = Reflect.apply(value, target, args);
				if (result instanceof Promise) result.catch(() => undefined);
				return result;
			};
		},
	});
}

const KNOWN: Known<CheckOptions> = {
	skip: true,
};

/**
 * Runs checks one after another, all of them even after one has failed.
 *
 * @throws {CheckError} one failed
 * @throws {AggregateError} several failed; `errors` are CheckErrors
 * @throws {TypeError} `skip` names a check that does not exist
 */
export async function runChecks<T>(
	checks: readonly Check<T>[],
	makePair: PairFactory<T>,
	options: CheckOptions = {},
): Promise<void> {
	const skip = new Set(requireOptions(options, KNOWN).skip);
	const chosen = checks.filter(({ name }) => !skip.delete(name));
	if (skip.size > 0) throw new TypeError(`there is no check named ${[...skip].join(", ")}`);
	const failures: unknown[] = [];
	for (const { run } of chosen) {
		try {
			await run(makePair);
		} catch (failure) {
			failures.push(failure);
		}
	}
	if (failures.length === 1) throw failures[0];
	if (failures.length > 1) {
		const texts = failures.map((failure) => `\n- ${textOf(failure)}`);
		throw new AggregateError(failures, `${failures.length} checks failed:${texts.join("")}`);
	}
}

function textOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
