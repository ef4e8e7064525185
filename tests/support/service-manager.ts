/** A service manager of a test's own: the real systemd, as it runs for users, with nothing but the units of the test. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { datagrams } from "socketry";
import { type Ended, startProgram } from "./children.ts";
import { PATIENCE_MS, PATIENT } from "./patience.ts";
import { lacking, startPeer, stop } from "./programs.ts";

/** One that runs. */
export interface ServiceManager {
	/** Runs `systemctl`, and waits for its end. */
	systemctl(...args: readonly string[]): Promise<Ended>;
	/** Starts or stops units by `systemctl`; rejects when that fails. */
	control(...args: readonly string[]): Promise<string>;
	/** One property of a unit; org.freedesktop.systemd1(5). */
	property(unit: string, name: string): Promise<string>;
	/** Asks for a property until it has the value wanted, for ten seconds at the most. */
	until(unit: string, name: string, wanted: string | RegExp): Promise<string>;
	/** Kills it with all its services. */
	close(): Promise<void>;
}

const PROGRAM = "/lib/systemd/systemd";

// In a mount namespace: /run, so that it finds no other service manager, and a hierarchy of groups of which it sees a branch only.
const SCRIPT = `
base=$(mktemp -d)
mount -t cgroup2 cgroup2 "$base" && group=$(mktemp -d "$base/socketry-XXXXXXXX") && chmod 755 "$group" || exit 77
setpriv --pdeathsig KILL /bin/sh -c 'echo $$ > "$0/cgroup.procs" && exec unshare --cgroup --mount /bin/sh -c "
	set -e
	mount -t tmpfs tmpfs /run
	mkdir -p /run/systemd/system
	mount -t tmpfs tmpfs /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	exec ${PROGRAM} --user"' "$group" &
trap 'echo 1 > "$group/cgroup.kill"' TERM
wait
wait
for try in 1 2 3 4 5 6 7 8 9; do
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
	sleep 0.1
done
umount "$base"
rmdir "$base"
`;

/** Why no service manager can run here, and what to do about it; false when one can. For the `skip` of a test. */
export function lackingServiceManager(): string | false {
	const missing = lacking("systemctl", "systemd-notify", "unshare", "setpriv");
	if (missing) return missing;
	const groups = 'd=$(mktemp -d) && mount -t cgroup2 none "$d" && test -e "$d/cgroup.procs"';
	const tried = spawnSync("unshare", ["-m", "sh", "-c", `${groups} && umount "$d" && rmdir "$d"`]);
	return tried.status === 0 ? false : "no service manager of our own here: run it as root";
}

/**
 * Starts one.
 *
 * @param folder empty; gets the units and the manager's sockets
 * @param units their texts by name: `{ "web.service": "[Service]..." }`
 */
export async function startServiceManager(
	folder: string,
	units: Readonly<Record<string, string>>,
): Promise<ServiceManager> {
	const [place, runtime] = [join(folder, "units"), join(folder, "runtime")];
	mkdirSync(place);
	mkdirSync(runtime, { mode: 0o700 });
	// What every unit depends on.
	for (const target of ["basic", "default", "shutdown", "sockets"]) {
		writeFileSync(join(place, `${target}.target`), "[Unit]\nDefaultDependencies=no\n");
	}
	for (const [name, text] of Object.entries(units)) writeFileSync(join(place, name), text);
	const notices = join(folder, "notices");
	const env = { XDG_RUNTIME_DIR: runtime, SYSTEMD_UNIT_PATH: place, NOTIFY_SOCKET: "" };
	// It tells when it is ready, as its services tell it.
	const told = await datagrams(`unix-dgram:${notices}`);
	const manager = startPeer("unshare", ["-m", "sh", "-c", SCRIPT], {
		env: { ...env, NOTIFY_SOCKET: notices },
		timeoutMs: 600_000,
	});
	try {
		let text = "";
		while (!text.includes("READY=1")) {
			text = String((await told.receive(PATIENT)).data);
		}
	} finally {
		await told.close();
	}
	const systemctl = async (...args: readonly string[]): Promise<Ended> =>
		await startProgram(["systemctl", "--user", ...args], { env: { ...env, LD_PRELOAD: "" } }).ended;
	const control = async (...args: readonly string[]): Promise<string> => {
		const { code, stdout, stderr } = await systemctl(...args);
		if (code !== 0) throw new Error(`systemctl ${args.join(" ")}: ${stderr}`);
		return stdout.trim();
	};
	const property = (unit: string, name: string): Promise<string> =>
		control("show", "--value", "--property", name, unit);
	return {
		systemctl,
		control,
		property,
		until: async (unit, name, wanted) => {
			const deadline = performance.now() + PATIENCE_MS;
			for (;;) {
				const value = await property(unit, name);
				if (typeof wanted === "string" ? value === wanted : wanted.test(value)) return value;
				if (performance.now() > deadline) throw new Error(`${unit}: ${name} stays ${value}`);
			}
		},
		close: async () => {
			await stop(manager);
		},
	};
}

/** Lines for the `[Service]` section of a unit that runs one of our scripts, with what it says in a file. */
export function scriptLines(script: string, args: readonly string[], log: string): string {
	const words = [process.execPath, script, ...args].map((word) => `"${word}"`).join(" ");
	const preload = process.env["LD_PRELOAD"];
	return [
		`ExecStart=${words}`,
		`StandardOutput=append:${log}`,
		`StandardError=append:${log}`,
		...(preload ? [`Environment="LD_PRELOAD=${preload}"`] : []),
	].join("\n");
}
