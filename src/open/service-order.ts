/** In which order to try the servers of a service; RFC 2782. */
import type { ServiceRecord } from "../socket/resolve.ts";

/** Gives an integer from 0 to `limit - 1`, each as likely as any other. */
export type Below = (limit: number) => number;

/**
 * Sorts records: best priorities first, and within one priority at random, those with more weight being likelier to come early.
 *
 * @returns one list for each priority
 */
export function inServiceOrder<R extends Pick<ServiceRecord, "priority" | "weight">>(
	records: readonly R[],
	below: Below = (limit) => Math.floor(Math.random() * limit),
): R[][] {
	const byPriority = new Map<number, R[]>();
	for (const record of records) {
		const group = byPriority.get(record.priority);
		if (group === undefined) byPriority.set(record.priority, [record]);
		else group.push(record);
	}
	const priorities = [...byPriority].sort(([left], [right]) => left - right);
	return priorities.map(([, group]) => drawn(group, below));
}

// As the text has it: those without weight stand in front, where only a draw of 0 finds one of them.
function drawn<R extends Pick<ServiceRecord, "weight">>(group: readonly R[], below: Below): R[] {
	const left = [...group].sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
	let sum = left.reduce((total, { weight }) => total + weight, 0);
	const order: R[] = [];
	while (left.length > 0) {
		const draw = below(sum + 1);
		let running = 0;
		const at = left.findIndex(({ weight }) => {
			running += weight;
			return running >= draw;
		});
		const [next] = left.splice(at, 1) as [R];
		sum -= next.weight;
		order.push(next);
	}
	return order;
}
