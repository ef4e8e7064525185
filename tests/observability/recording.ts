/** What the channels tell while a test runs. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { TestContext } from "node:test";
import type { SocketryEvents } from "socketry";

type Name = keyof SocketryEvents;

/** A message with the name of its channel, without `socketry:`. */
export type Recorded = {
	[N in Name]: SocketryEvents[N] & {
		readonly event: N extends `socketry:${infer Rest}` ? Rest : never;
	};
}[Name];

const NAMES: readonly Name[] = [
	"socketry:opened",
	"socketry:connected",
	"socketry:accepted",
	"socketry:closed",
	"socketry:error",
	"socketry:dropped",
];

/** Subscribes to every channel, or to those named, until the test has ended. */
export function record(t: TestContext, names: readonly Name[] = NAMES): Recorded[] {
	const recorded: Recorded[] = [];
	for (const name of names) {
		const note = (message: unknown): void => {
			recorded.push({ event: name.slice(9), ...(message as object) } as Recorded);
		};
		subscribe(name, note);
		t.after(() => unsubscribe(name, note));
	}
	return recorded;
}

/** Calls `note` with each message of one channel until the test has ended. */
export function listenTo<N extends Name>(
	t: TestContext,
	name: N,
	note: (message: SocketryEvents[N]) => void,
): void {
	const listener = (message: unknown): void => note(message as SocketryEvents[N]);
	subscribe(name, listener);
	t.after(() => unsubscribe(name, listener));
}
