/** How many descriptors this process may have. */
import { readFileSync } from "node:fs";

/** The soft limit of now; getrlimit(2), RLIMIT_NOFILE. Undefined where it cannot be known, or there is none. */
export function descriptorLimit(): number | undefined {
	try {
		const [, limit] =
			/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
		return limit === undefined ? undefined : Number(limit);
	} catch {
		return undefined;
	}
}
