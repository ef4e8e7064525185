/** Which faults there are at the moment. */
import {
	type Known,
	requireFunction,
	requireInteger,
	requireOneOf,
	requireOptions,
} from "../arguments.ts";
import { callProgram } from "../call-program.ts";
import { InvalidValueError } from "../errors.ts";
import { type RandomSource, randomSource } from "../random.ts";
import { type FaultClock, systemClock } from "./clock.ts";
import {
	completeToxic,
	type FaultDirection,
	type FaultKind,
	type Toxic,
	type ToxicRequest,
} from "./toxic.ts";

/** Options of a plan. */
export interface FaultPlanOptions {
	/** What is disturbed. Default `stream`. */
	readonly kind?: FaultKind | undefined;
	/** Makes the faults repeatable, 0..4294967295. Default: a random one, to be read from `seed`. */
	readonly seed?: number | undefined;
	/** Default: the machine's. */
	readonly clock?: FaultClock | undefined;
	/** The faults to begin with. */
	readonly toxics?: readonly ToxicRequest[] | undefined;
	/** Called each time that a fault hits a message, or ends a connection. */
	readonly onFault?: ((event: FaultEvent) => void) | undefined;
}

/** What a fault has done. Delays are told of nowhere: they are everywhere. */
export interface FaultEvent {
	/** Its number, from 0. */
	readonly connection: number;
	/** Which way what it hit was going. */
	readonly direction: FaultDirection;
	/** The fault, by its name. */
	readonly toxic: string;
	/** Where: the number of the message that it hit, from 0; of a connection that it ended, how many messages, or bytes of a stream, had passed. */
	readonly at: number;
}

/** A fault of one connection, with random numbers of its own: they depend on the seed, the connection, and the fault's name. */
export interface ChosenToxic {
	readonly toxic: Toxic;
	readonly random: RandomSource;
}

const KNOWN: Known<FaultPlanOptions> = {
	kind: true,
	seed: true,
	clock: true,
	toxics: true,
	onFault: true,
};

const SEED_MAX = 2 ** 32 - 1;

/** A set of faults that can be changed while they work. What a change finds on its way leaves at once; the rest meets the new faults. */
export class FaultPlan {
	/** What it is for. */
	readonly kind: FaultKind;
	/** What repeats it: the one given, or the one drawn. */
	readonly seed: number;
	/** What its times are measured with. */
	readonly clock: FaultClock;
	readonly #onFault: ((event: FaultEvent) => void) | undefined;
	readonly #toxics = new Map<string, Toxic>();
	readonly #listeners = new Set<() => void>();

	/** @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option or a fault makes no sense */
	constructor(options: FaultPlanOptions = {}) {
		const given = requireOptions(options, KNOWN);
		const { kind = "stream", seed, clock = systemClock, toxics = [], onFault } = given;
		this.kind = requireOneOf("kind", kind, ["stream", "datagrams", "packets"]);
		this.#onFault = requireFunction("onFault", onFault);
		this.seed =
			seed === undefined ? randomSource().seed : requireInteger("seed", seed, 0, SEED_MAX);
		this.clock = clock;
		for (const toxic of toxics) this.add(toxic);
	}

	/** The faults, in the order in which they work. */
	get toxics(): readonly Toxic[] {
		return [...this.#toxics.values()];
	}

	/** The fault of this name. */
	get(name: string): Toxic | undefined {
		return this.#toxics.get(name);
	}

	/**
	 * Adds a fault, after those of its direction.
	 *
	 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} it makes no sense, or its name is taken
	 */
	add(request: ToxicRequest): Toxic {
		const toxic = completeToxic(request, this.kind);
		if (this.#toxics.has(toxic.name)) {
			throw new InvalidValueError(
				"name",
				"is taken: update that fault, or name this one",
				toxic.name,
			);
		}
		this.#toxics.set(toxic.name, toxic);
		this.#tell();
		return toxic;
	}

	/**
	 * Changes a fault; attributes that are not given stay. It begins anew with every connection.
	 *
	 * @returns undefined when there is none of this name
	 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} it makes no sense
	 */
	update(name: string, change: Pick<ToxicRequest, "toxicity" | "attributes">): Toxic | undefined {
		const old = this.#toxics.get(name);
		if (old === undefined) return undefined;
		const attributes = { ...old.attributes, ...change.attributes };
		const request = { ...old, toxicity: change.toxicity ?? old.toxicity, attributes };
		const toxic = completeToxic(request, this.kind);
		this.#toxics.set(name, toxic);
		this.#tell();
		return toxic;
	}

	/** Removes a fault; false when there is none of this name. */
	remove(name: string): boolean {
		const isRemoved = this.#toxics.delete(name);
		if (isRemoved) this.#tell();
		return isRemoved;
	}

	/** Removes all faults. */
	clear(): void {
		this.#toxics.clear();
		this.#tell();
	}

	/** @internal Calls at each change, until the function that it returns is called. */
	watch(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** @internal Tells what a fault has done. */
	tell(event: FaultEvent): void {
		const onFault = this.#onFault;
		if (onFault !== undefined) callProgram(() => onFault(event));
	}

	/** The faults that one direction of a connection has, by its number. */
	chosen(connection: number, direction: FaultDirection): readonly ChosenToxic[] {
		return this.toxics
			.filter(({ stream }) => stream === direction)
			.map((toxic) => {
				const key = `${this.seed}/${connection}/${direction}/${toxic.name}`;
				return { toxic, random: randomSource(hash(key)) };
			})
			.filter(({ toxic, random }) => random.below(SEED_MAX) / SEED_MAX < toxic.toxicity);
	}

	#tell(): void {
		for (const listener of [...this.#listeners]) listener();
	}
}

// FNV-1a: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv-17
function hash(text: string): number {
	let state = 0x81_1c_9d_c5;
	for (let i = 0; i < text.length; i++) {
		state = Math.imul(state ^ text.charCodeAt(i), 0x01_00_01_93) >>> 0;
	}
	return state;
}
