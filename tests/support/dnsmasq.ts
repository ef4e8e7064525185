/** A name server of our own: dnsmasq, with the names that a test needs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "./children.ts";
import { inFolder } from "./folder.ts";
import { freePort, lineLike, startPeer } from "./programs.ts";

/** What dnsmasq says once it serves. */
export const DNSMASQ_STARTED = /started, version/;

/** Its configuration: names of example.test, on one port of 127.0.0.1, and nothing of this machine's. */
export function dnsmasqConfiguration(port: number, records: readonly string[]): string {
	return [
		`port=${port}`,
		"listen-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nno-ping",
		"pid-file\nuser\nlog-facility=-\nlocal=/example.test/",
		...records,
	].join("\n");
}

/** Its arguments. */
export function dnsmasqArguments(file: string): string[] {
	return ["--keep-in-foreground", `--conf-file=${file}`];
}

/** Starts it. @param records lines of its configuration: `srv-host=...`, `host-record=...` */
export async function startDnsmasq(
	records: readonly string[],
): Promise<{ readonly child: Child; readonly address: string }> {
	const port = await freePort();
	const child = await inFolder(async (folder) => {
		const file = join(folder, "conf");
		writeFileSync(file, dnsmasqConfiguration(port, records));
		const started = startPeer("dnsmasq", dnsmasqArguments(file), { lines: "stderr" });
		await lineLike(started, DNSMASQ_STARTED);
		return started;
	});
	return { child, address: `127.0.0.1:${port}` };
}
