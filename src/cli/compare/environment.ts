/** What a figure means nothing without: the machine, the kernel, the program. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, type } from "node:os";
import { packageVersion } from "../version.ts";

/** Facts beside every result. */
export interface Environment {
	/** RFC 3339, in UTC. */
	readonly date: string;
	/** Model of the processor. */
	readonly machine: string;
	/** Processors that this program may use. */
	readonly processors: number;
	/** Whether it is a virtual machine, as far as the processor tells. */
	readonly virtual: boolean;
	readonly kernel: string;
	readonly node: string;
	readonly socketry: string;
	/** Programs that wanted to run, on average over the minute before. */
	readonly load: number;
}

/** Looks around. */
export function readEnvironment(): Environment {
	return {
		date: new Date().toISOString(),
		machine: cpus()[0]?.model.trim() || "unknown processor",
		processors: availableParallelism(),
		virtual: isVirtual(),
		kernel: `${type()} ${release()}`,
		node: process.version,
		socketry: packageVersion(),
		load: loadavg()[0] ?? 0,
	};
}

/** What to say of a machine that had other work; nothing if it had none. */
export function busyWarning({ load, processors }: Environment): string | undefined {
	if (load <= processors / 2) return undefined;
	return `The machine was busy before (load ${load.toFixed(1)}): figures may be worse than they need be.`;
}

function isVirtual(): boolean {
	try {
		return / hypervisor( |$)/m.test(readFileSync("/proc/cpuinfo", "utf8"));
	} catch {
		return false;
	}
}
