/** How many pipes relays may have. */
import { LIMITS } from "../limits.ts";
import { descriptorLimit } from "../socket/descriptor-limit.ts";

let allowed: number | undefined;

/** As many as do not harm connections, which need descriptors, nor the other programs of this user. Decided once. */
export function pipesMax(): number {
	allowed ??= decide();
	return allowed;
}

function decide(): number {
	const isRoot = process.geteuid?.() === 0;
	const count = isRoot ? LIMITS.relayPipesCount : LIMITS.relayUserPipesCount;
	const limit = descriptorLimit() ?? Number.POSITIVE_INFINITY;
	return Math.min(count, Math.floor(limit / LIMITS.relayDescriptorsPerPipeCount));
}
