/** `watchdog`: signs of life to the service manager; sd_watchdog_enabled(3). */
import { type Known, requireFunction, requireOptions } from "../arguments.ts";
import { watchdogTimeoutMs } from "./environment.ts";
import { tell } from "./notify.ts";

/** Options of `watchdog`. */
export interface WatchdogOptions {
	/** Asked before each sign of life; none is sent when it says false, throws or rejects, nor until its promise settles. Default: the event loop runs, so it is well. */
	readonly isWell?: (() => boolean | Promise<boolean>) | undefined;
	/** Called when a sign of life could not be sent, or `isWell` failed. By default that is left to the service manager, who will notice. */
	readonly onError?: ((error: unknown) => void) | undefined;
}

/** Signs of life that are sent until somebody stops them. */
export interface Watchdog {
	/** Within which time the service manager wants one, in milliseconds; they are sent at half of it. */
	readonly timeoutMs: number;
	/** Sends no more. The service manager will act, unless `notify` turns its watchdog off or the service ends. */
	stop(): void;
	[Symbol.dispose](): void;
}

const KNOWN: Known<WatchdogOptions> = {
	isWell: true,
	onError: true,
};

const INTERVAL_MS_MAX = 2_147_483_647;

/**
 * Sends signs of life at once and then at half of the time that the service manager allows (`WatchdogSec=`), as long as the event loop runs. Does not
 * keep the process alive.
 *
 * @returns undefined when the service manager wants none: WATCHDOG_USEC is not set, or WATCHDOG_PID is another process
 * @throws {SystemdError} the variables are malformed
 * @see sd_watchdog_enabled(3), systemd.service(5)
 */
export function watchdog(options: WatchdogOptions = {}): Watchdog | undefined {
	requireOptions(options, KNOWN);
	const { isWell = () => true, onError = () => {} } = options;
	requireFunction("isWell", isWell);
	requireFunction("onError", onError);
	const timeoutMs = watchdogTimeoutMs();
	if (timeoutMs === undefined) return undefined;
	let isUnderWay = false;
	const ending = new AbortController();
	const beat = async (): Promise<void> => {
		if (isUnderWay) return;
		isUnderWay = true;
		try {
			if (await isWell()) await tell({ watchdog: true }, { signal: ending.signal, unref: true });
		} catch (error) {
			if (!ending.signal.aborted) onError(error);
		} finally {
			isUnderWay = false;
		}
	};
	const interval = Math.min(Math.max(timeoutMs / 2, 1), INTERVAL_MS_MAX);
	const timer = setInterval(() => void beat(), interval).unref();
	void beat();
	const stop = (): void => {
		clearInterval(timer);
		ending.abort();
	};
	return { timeoutMs, stop, [Symbol.dispose]: stop };
}
