/**
 * Bytes of several duplexes that came in one turn of the loop are told one after the other, as of Node's sockets: by a tick, and when the promises are
 * settled that the one before has set off. Of several requests whose first answer calls off the others, one is answered then.
 */

let isTelling = false;
const waiting: (() => void)[] = [];

/** Calls `tell` when it is its turn, in the async context of this call. */
export function tellInTurn(tell: () => void): void {
	const tick = (): void => {
		try {
			tell();
		} finally {
			// Behind the promises that it has set off.
			queueMicrotask(goOn);
		}
	};
	if (isTelling) {
		void new Promise<void>((resolve) => waiting.push(resolve)).then(() => process.nextTick(tick));
	} else {
		isTelling = true;
		process.nextTick(tick);
	}
}

function goOn(): void {
	const next = waiting.shift();
	if (next === undefined) isTelling = false;
	else next();
}
