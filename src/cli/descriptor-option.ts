/** Options that name a descriptor of ours, such as `3` after `3<./file` in a shell. */
import { F_GETFD, sys } from "../sys/index.ts";
import { UsageError } from "./exit-code.ts";
import { parseCount } from "./quantity.ts";

const FD_MAX = 2_147_483_647;

/**
 * Reads the number of a descriptor that this program was started with.
 *
 * @throws {UsageError} there is none, or it is no number
 */
export function readDescriptor(option: string, text: string): number {
	const fd = parseCount(option, text, 0, FD_MAX);
	if (sys.fcntl(fd, F_GETFD) >= 0) return fd;
	throw new UsageError(
		`${option} ${fd}: no such descriptor is open; a shell opens one by ${fd}<FILE`,
	);
}
