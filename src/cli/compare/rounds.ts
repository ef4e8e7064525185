/** The course of a comparison: round after round through all kinds, so that a slow moment of the machine befalls each of them. */
import { type Figures, measureOnce } from "./measure.ts";
import type { Plan } from "./plan.ts";
import { Samples } from "./samples.ts";
import type { Target } from "./target.ts";

/** What was found for one target. */
export interface Finding {
	readonly target: Target;
	/** One entry for each measured round. */
	readonly rounds: readonly Figures[];
}

/** Told before each step: how far it is, 0..1, and what comes. */
export type OnStep = (fraction: number, round: number, target: Target) => void;

/**
 * Measures all targets in turn, as many rounds as planned; each round begins with another one.
 *
 * @throws as `measureOnce`
 */
export async function measureRounds(
	targets: readonly Target[],
	plan: Plan,
	signal: AbortSignal,
	onStep: OnStep,
): Promise<Finding[]> {
	const samples = new Samples();
	const found = new Map<Target, Figures[]>(targets.map((target) => [target, []]));
	const steps = targets.length * (plan.rounds + 1);
	let step = 0;
	for (let round = 0; round <= plan.rounds; round++) {
		const slices = round === 0 ? plan.warmUp : plan.slices;
		for (const target of rotated(targets, round)) {
			onStep(step++ / steps, round, target);
			const figures = await measureOnce(target, { slices, size: plan.size, samples, signal });
			if (round > 0) found.get(target)?.push(figures);
		}
	}
	return targets.map((target) => ({ target, rounds: found.get(target) ?? [] }));
}

function rotated<T>(list: readonly T[], by: number): T[] {
	const at = by % list.length;
	return [...list.slice(at), ...list.slice(0, at)];
}
