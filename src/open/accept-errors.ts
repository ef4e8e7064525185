/** What the failures of accept(2) mean to a listener. */
import {
	ECONNABORTED,
	EHOSTDOWN,
	EHOSTUNREACH,
	EMFILE,
	ENETDOWN,
	ENETUNREACH,
	ENFILE,
	ENOBUFS,
	ENOMEM,
	ENOPROTOOPT,
	EPERM,
	EPROTO,
} from "../sys/errno.ts";

/** A connection that failed before it was accepted: its own misfortune, not the listener's; accept(2), Error handling. */
export const PASSING: ReadonlySet<number> = new Set([
	ECONNABORTED,
	EPROTO,
	EPERM,
	ENETDOWN,
	ENOPROTOOPT,
	EHOSTDOWN,
	EHOSTUNREACH,
	ENETUNREACH,
]);

/** No descriptor or memory is left. */
export const EXHAUSTED: ReadonlySet<number> = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);
