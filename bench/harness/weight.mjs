// What a process and its descendants weigh on the machine.
import { readdirSync, readFileSync } from "node:fs";

// USER_HZ, which is 100 for every program; proc(5).
const MS_PER_TICK = 10;
// Where utime, stime, cutime and cstime end and begin behind the name of the program; proc_pid_stat(5).
const TIMES = [11, 15];

/** Memory in kB; what processes share counts once (Pss), so that many of one program are not charged for its text again and again. */
export function memoryKb(pid) {
	return familyOf(pid).reduce((total, each) => {
		const pss = /^Pss:\s+(\d+)/m.exec(readOr(`/proc/${each}/smaps_rollup`));
		return total + Number(pss?.[1] ?? 0);
	}, 0);
}

/** Time on processors so far. */
export function processorMs(pid) {
	return familyOf(pid).reduce((total, each) => {
		const fields = readOr(`/proc/${each}/stat`).split(") ").at(-1).split(" ");
		const ticks = fields.slice(...TIMES).map(Number);
		return total + MS_PER_TICK * ticks.reduce((sum, value) => sum + value, 0);
	}, 0);
}

function familyOf(pid) {
	const threads = readOr(`/proc/${pid}/task`, readdirSync) || [];
	const children = threads.flatMap((thread) => {
		return readOr(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean);
	});
	return [pid, ...children.flatMap(familyOf)];
}

// Empty when it has ended meanwhile.
function readOr(path, read = (file) => readFileSync(file, "latin1")) {
	try {
		return read(path);
	} catch (error) {
		if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error;
		return "";
	}
}
