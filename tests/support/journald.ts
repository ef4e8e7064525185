/** A systemd-journald of a test's own, in a mount namespace where it finds an empty /run. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { datagrams } from "socketry";
import { type Ended, startProgram } from "./children.ts";
import { PATIENT } from "./patience.ts";
import { find, lacking, startPeer, stop } from "./programs.ts";

/** One that runs. */
export interface Journald {
	/** What makes a program run where its sockets and its journal are: the option `under` of `startChild`. */
	readonly under: readonly string[];
	/** Runs `journalctl` when all that was written is in the journal. What is no text is to go to a file as well. */
	read(args: readonly string[], file?: string): Promise<Ended>;
	/** Ends it. */
	close(): Promise<void>;
}

/** Path of its socket for old log messages, to which /dev/log is a link on most systems. */
export const DEV_LOG = "/run/systemd/journal/dev-log";

const SCRIPT = `
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal
exec "$0"
`;

/** Why none can run here, and what to do about it; false when one can. For the `skip` of a test. */
export function lackingJournald(): string | false {
	const missing = lacking("systemd-journald", "journalctl", "unshare", "nsenter");
	if (missing) return missing;
	const { status } = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/run"]);
	return status === 0 ? false : "no journal of our own here: run it as root";
}

/** Starts one. @param folder for the socket on which it says that it is ready */
export async function startJournald(folder: string): Promise<Journald> {
	const notices = join(folder, "journald");
	const told = await datagrams(`unix-dgram:${notices}`);
	const command = ["-m", "sh", "-c", SCRIPT, find("systemd-journald") ?? "systemd-journald"];
	const env = { NOTIFY_SOCKET: notices, SYSTEMD_LOG_TARGET: "null" };
	const journald = startPeer("unshare", command, { env, timeoutMs: 600_000 });
	try {
		for (let text = ""; !text.includes("READY=1"); ) {
			text = String((await told.receive(PATIENT)).data);
		}
	} finally {
		await told.close();
	}
	const under = ["nsenter", `--target=${journald.pid}`, "--mount", "--"];
	return {
		under,
		read: async (args, file = "/dev/null") => {
			const script = 'file=$1; shift; journalctl --sync && journalctl "$@" | tee "$file"';
			const words = ["sh", "-c", script, "sh", file, ...args];
			return await startProgram(words, { under, env: { LD_PRELOAD: "" } }).ended;
		},
		close: async () => {
			await stop(journald);
		},
	};
}
