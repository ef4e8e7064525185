// What the subjects of the library have in common.
import { announce } from "./task.mjs";

/** The busy-polling option of every way to open a socket, when the subject has it. */
export function busyOption({ busyPollUs }) {
	return busyPollUs === undefined ? {} : { busyPollUs };
}

/** Tells the runner the port that the kernel chose, or the path that was asked for. */
export function announceAt(task, { port }) {
	announce(port === undefined ? task.address : `${task.scheme}://${task.host}:${port}`);
}
