/** Waiting for another process in the midst of a call that does not return before. */
import { sys } from "../sys/current.ts";

const NOTHING = new Int32Array(0);

/** Blocks this thread for so many milliseconds. */
export function pause(ms: number): void {
	sys.poll(NOTHING, ms);
}
